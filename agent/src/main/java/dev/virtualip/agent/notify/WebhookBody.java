package dev.virtualip.agent.notify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.schema.Notifications.State;
import dev.virtualip.crds.schema.Notifications.Webhook;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The body of a POST.
 *
 * @param contentType its media type
 */
record WebhookBody(String contentType, String text) {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String JSON_TYPE = "application/json";
  private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([a-z]+)}");

  /** How long an alert about FAULT stays open if no other state ends it. */
  private static final Duration OPEN = Duration.ofHours(24);

  /** How long an alert about any state but FAULT stays open. */
  private static final Duration NEWS = Duration.ofMinutes(5);

  /** The body in the format that the settings ask for. */
  static WebhookBody of(Webhook webhook, Notification notification) {
    return switch (webhook.format()) {
      case Generic -> json(fields(notification));
      case Slack -> json(Map.of("text", slackText(notification.sentence())));
      case Alertmanager -> json(alerts(notification));
      case Custom -> filledIn(webhook, notification);
    };
  }

  private static WebhookBody json(Object value) {
    try {
      return new WebhookBody(JSON_TYPE, JSON.writeValueAsString(value));
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static Map<String, Object> fields(Notification n) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("type", n.type());
    fields.put("name", n.name());
    fields.put("state", Notification.word(n.state()));
    fields.put("previous", n.previous() == null ? "" : Notification.word(n.previous()));
    fields.put("priority", n.priority());
    fields.put("node", n.node());
    fields.put("reason", n.reason());
    fields.put("addresses", n.addresses());
    fields.put("time", n.time().toString());
    fields.put("text", n.sentence());
    return fields;
  }

  /** Text with Slack's escapes for {@code &}, {@code <} and {@code >}. */
  private static String slackText(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  /** The alert of the new state, and the resolved alert of the previous one. */
  private static List<Map<String, Object>> alerts(Notification n) {
    var alerts = new ArrayList<Map<String, Object>>();
    if (n.previous() != null) {
      var ended = new LinkedHashMap<String, Object>();
      ended.put("labels", labels(n, n.previous()));
      ended.put("endsAt", n.time().toString());
      alerts.add(ended);
    }
    var alert = new LinkedHashMap<String, Object>();
    alert.put("labels", labels(n, n.state()));
    alert.put(
        "annotations",
        Map.of("summary", n.sentence(), "addresses", String.join(", ", n.addresses())));
    alert.put("startsAt", n.time().toString());
    alert.put("endsAt", n.time().plus(n.state() == State.Fault ? OPEN : NEWS).toString());
    alerts.add(alert);
    return alerts;
  }

  private static Map<String, String> labels(Notification n, State state) {
    var labels = new LinkedHashMap<String, String>();
    labels.put("alertname", "VirtualIPState");
    labels.put("virtualip", n.name());
    labels.put("type", n.type().name());
    labels.put("node", n.node());
    labels.put("state", Notification.word(state));
    labels.put("severity", state == State.Fault ? "warning" : "info");
    return labels;
  }

  private static WebhookBody filledIn(Webhook webhook, Notification notification) {
    var type = webhook.contentType() == null ? JSON_TYPE : webhook.contentType();
    var fields = fields(notification);
    fields.put("addresses", String.join(", ", notification.addresses()));
    var text =
        PLACEHOLDER
            .matcher(webhook.body())
            .replaceAll(
                match ->
                    Matcher.quoteReplacement(
                        escaped(type, String.valueOf(fields.get(match.group(1))))));
    return new WebhookBody(type, text);
  }

  private static String escaped(String contentType, String value) {
    var type = contentType.split(";")[0].strip().toLowerCase(Locale.ROOT);
    if (type.endsWith("json")) {
      var quoted = json(value).text();
      return quoted.substring(1, quoted.length() - 1);
    }
    return type.equals("application/x-www-form-urlencoded")
        ? URLEncoder.encode(value, StandardCharsets.UTF_8)
        : value;
  }
}
