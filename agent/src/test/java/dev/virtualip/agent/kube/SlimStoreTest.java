package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SlimStoreTest {
  private static final JsonMapper JSON = new JsonMapper();

  private final SlimStore store = new SlimStore("node-a");

  private Map<?, ?> statusOf(String name, String status) throws IOException {
    var json =
        "{\"metadata\": {\"name\": \"%s\"}, \"spec\": {\"vrid\": 1}, \"status\": %s}"
            .formatted(name, status);
    var object = JSON.readValue(json, GenericKubernetesResource.class);
    store.put(store.getKey(object), object);
    assertEquals(Map.of("vrid", 1), store.get(name).getAdditionalProperties().get("spec"));
    return (Map<?, ?>) store.get(name).getAdditionalProperties().get("status");
  }

  @Test
  void ofOtherNodesItKeepsTheState() throws IOException {
    var status =
        statusOf(
            "web",
            """
            {"master": "node-b", "transitions": 3, "backups": 1,
             "handOvers": {"node-a": {"reason": "Drain"}},
             "conditions": [{"type": "Ready"}],
             "nodes": {"node-a": {"state": "Backup", "reason": "Started"},
                       "node-b": {"state": "Master", "reason": "Started", "priority": 100}}}""");
    assertEquals(
        Map.of(
            "master",
            "node-b",
            "transitions",
            3,
            "backups",
            1,
            "handOvers",
            Map.of("node-a", Map.of("reason", "Drain")),
            "nodes",
            Map.of(
                "node-a",
                Map.of("state", "Backup", "reason", "Started"),
                "node-b",
                Map.of("state", "Master"))),
        status);
  }

  @Test
  void nodesInTheSameStateShareIt() throws IOException {
    var web =
        (Map<?, ?>) statusOf("web", "{\"nodes\": {\"b\": {\"state\": \"Backup\"}}}").get("nodes");
    var dns =
        (Map<?, ?>) statusOf("dns", "{\"nodes\": {\"c\": {\"state\": \"Backup\"}}}").get("nodes");
    assertSame(web.get("b"), dns.get("c"));
  }

  @Test
  void ofOtherNodesItKeepsTheKeysOfSignedAdverts() throws IOException {
    var keys = Map.of("hmac", Map.of("sends", "1-a"), "state", "Backup");
    assertEquals(
        Map.of("nodes", Map.of("b", keys)),
        statusOf(
            "web",
            "{\"nodes\": {\"b\": {\"state\": \"Backup\", \"priority\": 1, \"hmac\": {\"sends\": \"1-a\"}}}}"));
  }

  @Test
  void whatItDoesNotKnowItKeeps() throws IOException {
    assertEquals(
        Map.of("nodes", Map.of("b", Map.of("state", "Frozen"), "c", 1)),
        statusOf("web", "{\"nodes\": {\"b\": {\"state\": \"Frozen\"}, \"c\": 1}}"));
  }
}
