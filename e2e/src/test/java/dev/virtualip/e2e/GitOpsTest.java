package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luaj.vm2.LuaTable;
import org.luaj.vm2.LuaValue;
import org.luaj.vm2.lib.jse.JsePlatform;

/** What Argo CD makes of VirtualIPs as the operator has left them in a run of the lab. */
class GitOpsTest {
  private static ObjectNode recorded(String name) throws IOException {
    try (var in = GitOpsTest.class.getResourceAsStream("/gitops/" + name + ".json")) {
      return (ObjectNode) new JsonMapper().readTree(in);
    }
  }

  /** Runs health.lua as Argo CD does, with the object in the global obj. */
  private static LuaTable health(JsonNode object) throws IOException {
    var lua = JsePlatform.standardGlobals();
    lua.set("obj", lua(object));
    var script = Files.readString(Installation.DEPLOY.resolve("argocd/health.lua"));
    return lua.load(script, "health.lua").call().checktable();
  }

  private static LuaValue lua(JsonNode json) {
    if (json.isObject()) {
      var table = new LuaTable();
      json.properties().forEach(f -> table.set(f.getKey(), lua(f.getValue())));
      return table;
    }
    if (json.isArray()) {
      var table = new LuaTable();
      json.forEach(element -> table.set(table.length() + 1, lua(element)));
      return table;
    }
    return json.isNumber() ? LuaValue.valueOf(json.asInt()) : LuaValue.valueOf(json.asText());
  }

  @ParameterizedTest
  @CsvSource({
    "starting, Progressing, no agent has reported yet",
    "ready, Healthy, is master",
    "invalid, Degraded, round it to a multiple of 10ms",
    "no-nic, Degraded, there is no NIC eth7 on node-a"
  })
  void argoCdSaysHowItIsAndWhy(String name, String status, String message) throws IOException {
    var health = health(recorded(name));
    assertEquals(status, health.get("status").tojstring());
    assertTrue(
        health.get("message").tojstring().contains(message), health.get("message")::tojstring);
  }

  @Test
  void whatTheOperatorHasNotSeenYetIsNotHealthy() throws IOException {
    var edited = recorded("ready");
    ((ObjectNode) edited.path("metadata")).put("generation", 99);
    assertEquals("Progressing", health(edited).get("status").tojstring());
    edited.remove("status");
    assertEquals("Progressing", health(edited).get("status").tojstring());
  }

  @Test
  void aSecondMasterIsNotHealthyThoughOneServes() throws IOException {
    var split = recorded("ready");
    for (var condition : split.at("/status/conditions")) {
      if (condition.path("type").asText().equals("MultipleMasters")) {
        ((ObjectNode) condition).put("status", "True");
      }
    }
    assertEquals("Degraded", health(split).get("status").tojstring());
  }
}
