"""The objects that a rendering holds: rights, certificates, ports, connections, alerts."""

import re
from pathlib import Path
from typing import Any

from tests.chart.charts import CERT_MANAGER, CHART, MODES, Helm, container, environment, merged, of_kind, pod_of, the
from webhook.inject.reasons import Reason
from webhook.server.answer import FAILED
from webhook.server.metrics import COUNTERS, GAUGES, HISTOGRAM


def test_three_modes_of_certificates(helm: Helm) -> None:
    """Who writes the caBundle, what is mounted, and whether the service has a token at all."""
    seen = {}
    for mode, values in MODES.items():
        found = helm.render(values)
        spec = the(found, "Deployment")["spec"]["template"]["spec"]
        settings = environment(found)
        mounted = [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume]
        annotations = the(found, "MutatingWebhookConfiguration")["metadata"].get("annotations", {})
        seen[mode] = (
            settings["PODMETA_CERTIFICATES"],
            mounted,
            "PODMETA_CA_SECRET" in settings,
            "PODMETA_WEBHOOK_CONFIGURATION" in settings,
            spec["automountServiceAccountToken"],
            sorted(one["kind"] for one in found if "Role" in one["kind"]),
            annotations.get("cert-manager.io/inject-ca-from"),
        )
    roles = ["ClusterRole", "ClusterRoleBinding"]
    assert seen == {
        "self-managed": ("self-managed", [], True, True, True, [*roles, "Role", "RoleBinding"], None),
        "cert-manager": ("files", ["podmeta-serving"], False, False, False, [], "podmeta/podmeta-serving"),
        "secret": ("files", ["own"], False, True, True, roles, None),
    }


def test_cert_manager_signs_with_a_ca_that_outlives_the_certificate(helm: Helm) -> None:
    found = helm.render(CERT_MANAGER)
    ca, leaf = (the(found, "Certificate", f"podmeta-{name}")["spec"] for name in ("issuer", "serving"))
    assert ca["isCA"] is True
    assert ca["privateKey"]["rotationPolicy"] == "Never"
    assert the(found, "Issuer", leaf["issuerRef"]["name"])["spec"]["ca"]["secretName"] == ca["secretName"]
    assert the(found, "Issuer", ca["issuerRef"]["name"])["spec"] == {"selfSigned": {}}
    assert leaf["dnsNames"] == ["podmeta.podmeta.svc"]


def test_with_an_issuer_of_ones_own_the_chart_brings_none(helm: Helm) -> None:
    issuer = {"name": "company", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    found = helm.render({"certificates": {"mode": "cert-manager", "certManager": {"issuer": issuer}}})
    assert of_kind(found, "Issuer") == []
    assert [one["spec"]["issuerRef"] for one in of_kind(found, "Certificate")] == [issuer]


def test_no_rule_has_a_wildcard(helm: Helm, situation: Path) -> None:
    found = helm.render(situation)
    rules = [rule for kind in ("Role", "ClusterRole") for one in of_kind(found, kind) for rule in one["rules"]]
    for rule in rules:
        assert not any("*" in text for texts in rule.values() for text in texts), rule
    bound = [one["roleRef"]["name"] for kind in ("RoleBinding", "ClusterRoleBinding") for one in of_kind(found, kind)]
    assert set(bound) <= {one["metadata"]["name"] for kind in ("Role", "ClusterRole") for one in of_kind(found, kind)}


def test_every_right_but_one_names_its_object(helm: Helm) -> None:
    found = helm.render({})
    rules = [rule for kind in ("Role", "ClusterRole") for one in of_kind(found, kind) for rule in one["rules"]]
    unnamed = [(rule["resources"], rule["verbs"]) for rule in rules if "resourceNames" not in rule]
    assert unnamed == [(["secrets"], ["create"])]


def test_foresight_is_one_right_more_and_a_token_to_use_it(helm: Helm) -> None:
    """In every mode, also where the service has no other reason to talk to the API server; and the caBundle stays whose
    it was.
    """
    on = {"ambassador": {"foresight": True}, "networkPolicy": {"enabled": True}}
    for mode, values in MODES.items():
        before, found = helm.render(values), helm.render(merged(values, on))
        (right,) = [rule for rule in the(found, "ClusterRole")["rules"] if "resourceNames" not in rule]
        assert right == {
            "apiGroups": ["authorization.k8s.io"],
            "resources": ["subjectaccessreviews"],
            "verbs": ["create"],
        }
        bound = the(found, "ClusterRoleBinding")
        assert (bound["roleRef"]["name"], bound["subjects"][0]["name"]) == ("podmeta", "podmeta"), mode
        assert the(found, "Deployment")["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
        assert the(found, "NetworkPolicy")["spec"]["egress"]
        settings = environment(found)
        assert settings.pop("PODMETA_FORESIGHT") == "true"
        assert settings == environment(before)


def test_readers_read_no_secrets(helm: Helm) -> None:
    readers = [
        {"namespace": "shop", "serviceAccounts": ["default", "cart"]},
        {"namespace": "bank", "serviceAccounts": ["x"]},
    ]
    found = helm.render({"ambassador": {"readers": readers}})
    rules = the(found, "ClusterRole", "podmeta-reader")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert resources.isdisjoint({"secrets", "configmaps"})
    assert resources >= {"pods", "services", "endpointslices", "jobs"}
    bindings = [one for one in of_kind(found, "RoleBinding") if one["metadata"]["name"] == "podmeta-reader"]
    assert [(one["metadata"]["namespace"], [s["name"] for s in one["subjects"]]) for one in bindings] == [
        ("shop", ["default", "cart"]),
        ("bank", ["x"]),
    ]
    assert {s["namespace"] for one in bindings for s in one["subjects"]} == {"shop", "bank"}


def test_time_to_end_covers_drain_and_what_is_in_flight(helm: Helm) -> None:
    found = helm.render({"drainSeconds": 40, "webhook": {"timeoutSeconds": 20}})
    settings = environment(found)
    ending = the(found, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert ending > int(settings["PODMETA_DRAIN_SECONDS"] or 0) + int(settings["PODMETA_SHUTDOWN_GRACE"] or 0) == 60


def test_probes_ask_the_plain_port(helm: Helm) -> None:
    one = container(helm.render({"ports": {"health": 9000}}))
    asked = {name: one[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in asked.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in asked.values()} == {"health"}
    assert {port["name"]: port["containerPort"] for port in one["ports"]} == {"webhook": 10250, "health": 9000}


def test_the_host_network_has_room_for_one_replica_on_a_node(helm: Helm) -> None:
    """A replica more than nodes would wait for ever for its port."""
    plain = the(helm.render({}), "Deployment")["spec"]
    host = the(helm.render(CHART / "ci" / "host-network.yaml"), "Deployment")["spec"]
    assert plain["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert host["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert host["template"]["spec"]["dnsPolicy"] == "ClusterFirstWithHostNet"


def test_the_policy_for_cert_manager_lets_nothing_out(helm: Helm) -> None:
    on = {"networkPolicy": {"enabled": True}}
    assert the(helm.render(CERT_MANAGER | on), "NetworkPolicy")["spec"]["egress"] == []
    ports = {port["port"] for rule in the(helm.render(on), "NetworkPolicy")["spec"]["egress"] for port in rule["ports"]}
    assert ports == {443, 6443, 53}


def test_the_policy_lets_the_api_server_in_from_anywhere(helm: Helm) -> None:
    webhook, health = the(helm.render({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]["ingress"]
    assert webhook == {"ports": [{"port": "webhook"}]}
    assert health["ports"] == [{"port": "health"}]
    assert health["from"]


def test_only_the_service_gets_the_calls(helm: Helm) -> None:
    """The selectors of Service, budget, policy and spread match the replicas and not the test's pod."""
    found = helm.render(CHART / "ci" / "production.yaml")
    deployment = the(found, "Deployment")
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        the(found, "Service")["spec"]["selector"],
        the(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        the(found, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(
            one["labelSelector"]["matchLabels"]
            for one in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        ),
    ]
    replica, test = pod_of(deployment), the(found, "Pod", "podmeta-test")
    for selector in selectors:
        assert selector.items() <= replica["metadata"]["labels"].items()
        assert not selector.items() <= test["metadata"]["labels"].items()
    monitor = the(found, "ServiceMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= the(found, "Service")["metadata"]["labels"].items()
    assert {one["port"] for one in monitor["endpoints"]} <= {
        port["name"] for port in the(found, "Service")["spec"]["ports"]
    }


def test_alerts_speak_of_metrics_that_exist(helm: Helm) -> None:
    """Names and labels that the service's own tables have; the others are Prometheus' and kube-state-metrics'."""
    rules = the(helm.render(CHART / "ci" / "production.yaml"), "PrometheusRule")["spec"]["groups"][0]["rules"]
    labels = {f"{name}_total": set(names) for name, (names, _) in COUNTERS.items()}
    labels |= {name: set() for name in GAUGES} | {f"{HISTOGRAM[0]}_bucket": {"le"}}
    asked = [found for rule in rules for found in re.findall(r"\b(podmeta_\w+)\{([^}]*)\}", rule["expr"])]
    assert len(asked) == len(re.findall(r"\bpodmeta_", " ".join(rule["expr"] for rule in rules)))
    for name, matchers in asked:
        assert set(re.findall(r"(\w+)=", matchers)) <= labels[name] | {"namespace", "job"}, name
    values = dict(re.findall(r'\b(outcome|reason|result)="([^"]+)"', " ".join(matchers for _, matchers in asked)))
    assert values == {"outcome": FAILED, "reason": Reason.INVALID.value, "result": "refused"}


def test_an_alert_says_what_it_means_for_pods(helm: Helm) -> None:
    on: dict[str, Any] = {"metrics": {"prometheusRule": {"enabled": True}}}
    fail, ignore = (helm.template(on | {"webhook": {"failurePolicy": policy}}) for policy in ("Fail", "Ignore"))
    assert "Until one is, pods that ask for injection are refused." in fail
    assert "Until one is, pods that ask for injection run without it." in ignore
