package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.schema.Notifications.State;
import dev.virtualip.crds.schema.Notifications.Webhook;
import java.util.List;
import org.junit.jupiter.api.Test;

class WebhookBodyTest {
  private static Webhook webhook(String fields) {
    return Notes.spec("notifications: {webhook: {url: 'http://a', " + fields + "}}")
        .notifications()
        .webhook();
  }

  private static JsonNode json(String text) {
    try {
      return new JsonMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }

  private static JsonNode body(String format, Notification notification) {
    var body = WebhookBody.of(webhook("format: " + format), notification);
    assertEquals("application/json", body.contentType());
    return json(body.text());
  }

  private static String filledIn(String contentType, String template, Notification note) {
    return WebhookBody.of(
            webhook("format: Custom, contentType: %s, body: '%s'".formatted(contentType, template)),
            note)
        .text();
  }

  @Test
  void genericSaysAll() {
    assertEquals(
        json(
            """
            {"type": "INSTANCE", "name": "web", "state": "MASTER", "previous": "BACKUP",
             "priority": 80, "node": "node-b", "reason": "MasterDown",
             "addresses": ["203.0.113.10/24"], "time": "2026-01-02T12:00:00.123Z",
             "text": "VirtualIP web is MASTER on node-b, was BACKUP (MasterDown): 203.0.113.10/24"}
            """),
        body("Generic", Notes.MASTER));
    assertEquals("", body("Generic", Notes.note(State.Backup, null)).path("previous").asText());
  }

  @Test
  void slackGetsATextWithItsEscapes() {
    assertEquals(
        json("{\"text\": \"Sync group edge is FAULT on node-b: 10.0.0.1/24\"}"),
        body("Slack", Notes.group(State.Fault)));
    var sharp =
        new Notification(
            Notification.Type.INSTANCE,
            "a",
            State.Fault,
            null,
            1,
            "<&>",
            "",
            List.of(),
            Notes.NOON);
    assertEquals(
        "VirtualIP a is FAULT on &lt;&amp;&gt;: ", body("Slack", sharp).path("text").asText());
  }

  @Test
  void alertmanagerGetsTheNewStateAndTheEndOfTheOneBefore() {
    var alerts = body("Alertmanager", Notes.note(State.Fault, State.Master));
    assertEquals(
        json(
            """
            [{"labels": {"alertname": "VirtualIPState", "virtualip": "web", "type": "INSTANCE",
                         "node": "node-b", "state": "MASTER", "severity": "info"},
              "endsAt": "2026-01-02T12:00:00.123Z"},
             {"labels": {"alertname": "VirtualIPState", "virtualip": "web", "type": "INSTANCE",
                         "node": "node-b", "state": "FAULT", "severity": "warning"},
              "annotations": {
                "summary":
                  "VirtualIP web is FAULT on node-b, was MASTER (MasterDown): 203.0.113.10/24",
                "addresses": "203.0.113.10/24"},
              "startsAt": "2026-01-02T12:00:00.123Z",
              "endsAt": "2026-01-03T12:00:00.123Z"}]
            """),
        alerts);
    assertEquals(1, body("Alertmanager", Notes.note(State.Backup, null)).size());
    assertEquals(
        "2026-01-02T12:05:00.123Z",
        body("Alertmanager", Notes.MASTER).path(1).path("endsAt").asText(),
        "a master is news, no trouble");
  }

  @Test
  void aCustomBodyIsFilledInAndEscapedForItsType() {
    var quoted =
        new Notification(
            Notification.Type.INSTANCE,
            "web",
            State.Fault,
            State.Master,
            80,
            "n",
            "Bad(\"a&b\")",
            List.of("10.0.0.1/24", "10.0.0.2/24"),
            Notes.NOON);
    assertEquals(
        "{\"to\":\"+1\",\"m\":\"web FAULT Bad(\\\"a&b\\\") $1 ${\"}",
        filledIn(
            "application/json",
            "{\"to\":\"+1\",\"m\":\"${name} ${state} ${reason} $1 ${\"}",
            quoted));
    assertEquals(
        "To=%2B1&Body=Bad%28%22a%26b%22%29",
        filledIn("application/x-www-form-urlencoded", "To=%2B1&Body=${reason}", quoted));
    assertEquals(
        "Bad(\"a&b\") 10.0.0.1/24, 10.0.0.2/24 MASTER 80",
        filledIn("text/plain", "${reason} ${addresses} ${previous} ${priority}", quoted));
  }

  @Test
  void allThatTheSchemaPromisesCanBeFilledIn() {
    for (var name : Webhook.PLACEHOLDERS) {
      var filled = filledIn("text/plain", "${" + name + "}", Notes.MASTER);
      assertEquals(false, filled.isEmpty() || filled.equals("null"), name);
    }
  }
}
