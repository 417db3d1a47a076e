// Prints the names of the pods of its own namespace: @kubernetes/client-node as it is by default.
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

const config = new KubeConfig();
config.loadFromDefault();
const { namespace } = config.getContextObject(config.getCurrentContext());
const pods = await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
for (const pod of pods.items) {
  console.log(pod.metadata.name);
}
