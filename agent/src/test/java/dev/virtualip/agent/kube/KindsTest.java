package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.LabelSelector;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.KubernetesResource;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.WatchEvent;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KindsTest {
  private static final KubernetesSerialization SERIALIZATION = Kinds.serialization();

  private static KubernetesResource watched(String object) {
    var event = "{\"type\": \"ADDED\", \"object\": %s}".formatted(object);
    return (KubernetesResource) SERIALIZATION.unmarshal(event, WatchEvent.class).getObject();
  }

  @Test
  void ofANodeItReadsWhatSelectsItAndWhereItIs() {
    var node =
        assertInstanceOf(
            Node.class,
            watched(
                """
                {"apiVersion": "v1", "kind": "Node",
                 "metadata": {"name": "a", "labels": {"edge": "true"},
                   "managedFields": [{"manager": "kubelet"}]},
                 "spec": {"taints": [{"key": "own", "effect": "NoSchedule"}], "podCIDR": "10.1.0.0/24"},
                 "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.11"}],
                   "images": [{"names": ["nginx"], "sizeBytes": 1}]}}"""));
    assertEquals(
        new NodeFacts("a", Map.of("edge", "true"), false, List.of("10.0.0.11")),
        NodeFacts.of(node));
    assertEquals(List.of(), node.getMetadata().getManagedFields());
    assertEquals(List.of(), node.getStatus().getImages());
    assertNull(node.getSpec().getPodCIDR());
  }

  @Test
  void ofAPodItReadsWhetherItServes() {
    var pod =
        assertInstanceOf(
            Pod.class,
            watched(
                """
                {"apiVersion": "v1", "kind": "Pod",
                 "metadata": {"name": "web-0", "namespace": "web", "labels": {"app": "web"}},
                 "spec": {"containers": [{"name": "nginx", "image": "nginx"}]},
                 "status": {"phase": "Running", "podIP": "10.1.0.2", "podIPs": [{"ip": "10.1.0.2"}],
                   "conditions": [{"type": "Ready", "status": "True"}]}}"""));
    var selector = new LabelSelector(Map.of("app", "web"), null);
    assertEquals(Readiness.Ready, NodePods.readiness(List.of(pod), "web", selector));
    assertEquals(new PodFacts("web-0", List.of("10.1.0.2"), true, false), PodFacts.of(pod));
    assertNull(pod.getSpec());
    assertNull(pod.getStatus().getPodIP());
  }

  @Test
  void aPodThatHasEndedHasNoAddressAnyMore() {
    var pod =
        assertInstanceOf(
            Pod.class,
            watched(
                """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job", "namespace": "web"},
                 "status": {"phase": "Succeeded", "podIPs": [{"ip": "10.1.0.2"}]}}"""));
    assertEquals(new PodFacts("job", List.of(), false, false), PodFacts.of(pod));
  }

  @Test
  void virtualIpsAreUntyped() {
    var vip =
        assertInstanceOf(
            GenericKubernetesResource.class,
            watched(
                """
                {"apiVersion": "virtualip.dev/v1alpha1", "kind": "VirtualIP",
                 "metadata": {"name": "web"}, "spec": {"vrid": "of a newer version"}}"""));
    assertEquals(Map.of("vrid", "of a newer version"), vip.getAdditionalProperties().get("spec"));
  }
}
