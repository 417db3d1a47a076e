import io.fabric8.kubernetes.client.KubernetesClientBuilder;

/** Prints the names of the pods of its own namespace: Fabric8's client as it is by default. */
public class ListPods {
  public static void main(String[] args) {
    try (var client = new KubernetesClientBuilder().build()) {
      for (var pod : client.pods().list().getItems()) {
        System.out.println(pod.getMetadata().getName());
      }
    }
  }
}
