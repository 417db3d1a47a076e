"""What the programs of a node are told: containerd, CNI, kubelet, CoreDNS.

Rule: as a cluster has it; what differs says why, and the reason is always the machine, never the product under test.
Strategy: each function is one file's text. Every path is below the node's own directory.
"""

import json
from pathlib import Path

from tests.kube.machine import ADDRESS, PLUGINS

PODS = "10.88.0.0/16"
DNS = "10.96.0.10"
DNS_READY = f"{ADDRESS}:8181"
NODE = "node1"
REGISTRY = "127.0.0.1:5000"
GROUP = "/podmeta"  # the control group that machine.py ends


def containerd(directory: Path) -> str:
    state = directory / "containerd"
    return f"""
version = 3
root = "{state / "root"}"
state = "/run/containerd"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.cri.v1.images"]
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "docker.io/local/pause:1"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{directory / "registry"}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true # lowering it may be forbidden to root, as in a container
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{PLUGINS}"]
    conf_dir = "{directory / "cni"}"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.internal.v1.opt"]
  path = "{state / "opt"}"
"""


SOCKET = "/run/containerd/containerd.sock"


def registry() -> str:
    """hosts.toml for every registry: there is no way out of the node, and none is wanted."""
    return f'server = "http://{REGISTRY}"\ncapabilities = ["pull", "resolve"]\n'


def cni(directory: Path) -> str:
    # Not a bridge: between two pods of one, an answer would pass the rules of Services by.
    ranges = [[{"subnet": PODS}]]
    ipam = {"type": "host-local", "dataDir": str(directory / "addresses"), "ranges": ranges,
            "routes": [{"dst": "0.0.0.0/0"}]}  # fmt: skip
    plugins = [{"type": "ptp", "ipam": ipam}, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}, indent=2)


def kubelet(directory: Path, certificate: Path, key: Path) -> str:
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "authentication": {"x509": {"clientCAFile": str(directory / "ca.crt")}},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "cgroupRoot": GROUP,
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(directory / "resolv.conf"),
        "podLogsDir": str(directory / "logs"),
        "volumePluginDir": str(directory / "volume-plugins"),
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "syncFrequency": "5s",  # not a minute: the files of a volume follow their source at the next of these
        # A disk that is nearly full is the developer's affair, not a reason to evict the pods of a test.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
    }
    return json.dumps(settings, indent=2)


def corefile(kubeconfig: Path) -> str:
    return f"""
. {{
    errors
    ready {DNS_READY}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 1
    }}
}}
"""


def dns() -> dict[str, object]:
    """The Service by which pods reach CoreDNS, which runs beside the kubelet, and what CoreDNS may read."""
    labels = {"k8s-app": "kube-dns", "kubernetes.io/service-name": "kube-dns"}
    metadata = {"name": "kube-dns", "namespace": "kube-system", "labels": labels}
    ports = [{"name": f"dns-{way.lower()}", "port": 53, "protocol": way} for way in ("UDP", "TCP")]
    reads = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    rbac, name = "rbac.authorization.k8s.io", {"name": "system:coredns"}
    items = [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"clusterIP": DNS, "ports": ports}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4",
         "ports": ports, "endpoints": [{"addresses": [ADDRESS]}]},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": name, "rules": reads},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": name,
         "roleRef": {"apiGroup": rbac, "kind": "ClusterRole"} | name,
         "subjects": [{"apiGroup": rbac, "kind": "User"} | name]},
    ]  # fmt: skip
    return {"apiVersion": "v1", "kind": "List", "items": items}
