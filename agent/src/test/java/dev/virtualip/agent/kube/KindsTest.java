package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.agent.client.Resource;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.LabelSelector.Operator;
import dev.virtualip.crds.schema.LabelSelector.Requirement;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KindsTest {
  private static final JsonMapper JSON = new JsonMapper();

  private static ObjectNode fields(Resource<?> resource, String json) throws IOException {
    try (var parser = JSON.createParser(json)) {
      parser.nextToken();
      return (ObjectNode) resource.fields().read(parser);
    }
  }

  private static <T> T kept(Resource<T> resource, String json) throws IOException {
    return resource.kept().apply(fields(resource, json));
  }

  @Test
  void ofANodeItReadsWhatSelectsItAndWhereItIs() throws IOException {
    var node =
        """
        {"apiVersion": "v1", "kind": "Node",
         "metadata": {"name": "a", "labels": {"edge": "true"},
           "managedFields": [{"manager": "kubelet"}]},
         "spec": {"taints": [{"key": "own", "effect": "NoSchedule"}], "podCIDR": "10.1.0.0/24"},
         "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.11"}],
           "images": [{"names": ["nginx"], "sizeBytes": 1}]}}""";
    assertEquals(
        new NodeFacts("a", Map.of("edge", "true"), false, List.of("10.0.0.11")),
        kept(Kinds.NODES, node));
    var read = fields(Kinds.NODES, node).toString();
    assertFalse(read.contains("podCIDR") || read.contains("images") || read.contains("kubelet"));
  }

  private static final String POD =
      """
      {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "web-0", "namespace": "web", "labels": {"app": "web"},
         "annotations": {"long": "text"}},
       "spec": {"containers": [{"name": "nginx", "image": "nginx"}]},
       "status": {"phase": "Running", "podIP": "10.1.0.2", "podIPs": [{"ip": "10.1.0.2"}],
         "conditions": [{"type": "Ready", "status": "True", "message": "long text"}]}}""";

  @Test
  void ofAPodItReadsWhetherItServes() throws IOException {
    var pod = kept(Kinds.PODS, POD);
    var selector = new LabelSelector(Map.of("app", "web"), null);
    assertEquals(Readiness.Ready, NodePods.readiness(List.of(pod), "web", selector));
    var read = fields(Kinds.PODS, POD).toString();
    assertFalse(read.contains("nginx") || read.contains("long"));
  }

  @Test
  void ofAServerItKeepsTheFacts() throws IOException {
    var selector = new LabelSelector(Map.of("b", "c", "a", "d"), List.of());
    var servers = Kinds.servers(new PodSelector("web", selector));
    assertEquals(new PodFacts("web-0", List.of("10.1.0.2"), true, false), kept(servers, POD));
    assertEquals("api/v1/namespaces/web/pods", servers.path());
    assertEquals("labelSelector=a%3Dd%2Cb%3Dc", servers.query());
  }

  @Test
  void aSelectorIsWrittenAsKubectlTakesIt() {
    var expressions =
        List.of(
            new Requirement("a", Operator.In, List.of("x", "y")),
            new Requirement("b", Operator.NotIn, List.of("z")),
            new Requirement("c", Operator.Exists, null),
            new Requirement("d", Operator.DoesNotExist, null));
    assertEquals(
        "app=web,a in (x,y),b notin (z),c,!d",
        Kinds.text(new LabelSelector(Map.of("app", "web"), expressions)));
  }

  @Test
  void aPodThatHasEndedHasNoAddressAnyMore() throws IOException {
    var job =
        """
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job", "namespace": "web"},
         "status": {"phase": "Succeeded", "podIPs": [{"ip": "10.1.0.2"}]}}""";
    var servers = Kinds.servers(new PodSelector("web", new LabelSelector(Map.of(), List.of())));
    assertEquals(new PodFacts("job", List.of(), false, false), kept(servers, job));
  }
}
