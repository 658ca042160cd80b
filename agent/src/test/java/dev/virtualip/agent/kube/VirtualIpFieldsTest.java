package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What an agent reads of VirtualIPs, of which each agent receives all. */
class VirtualIpFieldsTest {
  private static final JsonMapper JSON = new JsonMapper();

  private static JsonNode statusOf(String name, String status) throws IOException {
    var json =
        """
        {"metadata": {"name": "%s", "managedFields": [{}]}, "status": %s, "other": 1,
         "spec": {"vrid": "of a newer version"}}"""
            .formatted(name, status);
    var resource = Kinds.virtualIps("node-a");
    try (var parser = JSON.createParser(json)) {
      parser.nextToken();
      var kept = resource.kept().apply((ObjectNode) resource.fields().read(parser));
      assertEquals(json("{'vrid': 'of a newer version'}"), kept.get("spec"));
      assertEquals(json("{'name': '%s'}".formatted(name)), kept.get("metadata"));
      return kept.get("status");
    }
  }

  private static JsonNode json(String text) throws IOException {
    return JSON.readTree(text.replace('\'', '"'));
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
        json(
            """
            {'master': 'node-b', 'transitions': 3, 'backups': 1,
             'handOvers': {'node-a': {'reason': 'Drain'}},
             'nodes': {'node-a': {'state': 'Backup', 'reason': 'Started'},
                       'node-b': {'state': 'Master'}}}"""),
        status);
  }

  @Test
  void nodesInTheSameStateShareIt() throws IOException {
    var web = statusOf("web", "{\"nodes\": {\"b\": {\"state\": \"Backup\"}}}").get("nodes");
    var dns = statusOf("dns", "{\"nodes\": {\"c\": {\"state\": \"Backup\"}}}").get("nodes");
    assertSame(web.get("b"), dns.get("c"));
  }

  @Test
  void ofOtherNodesItKeepsTheKeysOfSignedAdverts() throws IOException {
    assertEquals(
        json("{'nodes': {'b': {'state': 'Backup', 'hmac': {'sends': '1-a'}}}}"),
        statusOf(
            "web",
            """
            {"nodes": {"b": {"state": "Backup", "priority": 1, "hmac": {"sends": "1-a"}}}}"""));
  }

  @Test
  void whatItDoesNotKnowItKeeps() throws IOException {
    assertEquals(
        json("{'nodes': {'b': {'state': 'Frozen'}, 'c': 1}}"),
        statusOf("web", "{\"nodes\": {\"b\": {\"state\": \"Frozen\"}, \"c\": 1}}"));
  }
}
