package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.Notifications.Email;
import dev.virtualip.crds.schema.Notifications.Exec;
import dev.virtualip.crds.schema.Notifications.Format;
import dev.virtualip.crds.schema.Notifications.Header;
import dev.virtualip.crds.schema.Notifications.Smtp;
import dev.virtualip.crds.schema.Notifications.Tls;
import dev.virtualip.crds.schema.Notifications.Webhook;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.values.Certificates;
import dev.virtualip.crds.values.Durations;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/** Rules about {@code spec.notifications}. */
final class NotificationRules {
  private static final String ROOT = "spec.notifications";
  private static final Pattern ADDRESS = Pattern.compile(Notifications.ADDRESS_PATTERN);
  private static final Pattern LINE = Pattern.compile(Notifications.LINE_PATTERN);
  private static final Pattern HOST = Pattern.compile(Notifications.HOST_PATTERN);
  private static final Pattern HEADER = Pattern.compile(Notifications.HEADER_PATTERN);
  private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}]*)}");

  /** Headers that the HTTP client sets itself. */
  private static final Set<String> RESERVED =
      Set.of("connection", "content-length", "expect", "host", "upgrade");

  private final Findings findings;

  private NotificationRules(Findings findings) {
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    var notifications = parsed.spec().notifications();
    var rules = new NotificationRules(findings);
    if (notifications.exec() != null) {
      rules.checkExec(notifications.exec());
    }
    if (notifications.email() != null) {
      rules.checkEmail(notifications.email());
    }
    if (notifications.webhook() != null) {
      rules.checkWebhook(ROOT + ".webhook", notifications.webhook());
    }
  }

  private void checkExec(Exec exec) {
    var path = ROOT + ".exec";
    var command = exec.command();
    if (command.isEmpty() || command.getFirst() == null || command.getFirst().isBlank()) {
      add(path + ".command", "needs a program below the scripts directory, and arguments");
    } else if (command.size() > 64) {
      add(path + ".command", "has more than 64 items: shorten it");
    } else if (command.stream().anyMatch(Objects::isNull)) {
      add(path + ".command", "has an empty item: remove it, or write \"\"");
    } else if (command.stream().anyMatch(word -> word.indexOf('\0') >= 0)) {
      add(path + ".command", "has a zero byte: remove it");
    }
    duration(path + ".timeout", exec.timeout(), Duration.ofMinutes(10));
    checkStates(path, exec.states());
  }

  private void checkEmail(Email email) {
    var path = ROOT + ".email";
    checkAddress(path + ".from", email.from());
    if (email.to().isEmpty()) {
      add(path + ".to", "is empty: give at least one address, as in ops@example.com");
    } else if (email.to().size() > 50) {
      add(path + ".to", "has more than 50 addresses: use the address of a list");
    }
    for (int i = 0; i < email.to().size(); i++) {
      checkAddress(path + ".to[" + i + "]", email.to().get(i));
    }
    var id = email.routerId();
    if (id != null && (id.isEmpty() || id.length() > 64 || !LINE.matcher(id).matches())) {
      add(path + ".routerId", "use 1 to 64 characters on one line, as in LVS_DEVEL");
    }
    if (email.smtp() == null) {
      add(path + ".smtp", "is missing: name the server that takes the mail, as in {host: mail}");
    } else {
      checkSmtp(path + ".smtp", email.smtp());
    }
    checkStates(path, email.states());
  }

  private void checkAddress(String path, String address) {
    if (address == null || !ADDRESS.matcher(address).matches()) {
      add(path, "is no mail address: write one without name and blanks, as in ops@example.com");
    }
  }

  private void checkSmtp(String path, Smtp smtp) {
    if (smtp.host() == null || !HOST.matcher(smtp.host()).matches()) {
      add(path + ".host", "is no host: write the server's name or address");
    }
    if (smtp.helo() != null && !HOST.matcher(smtp.helo()).matches()) {
      add(path + ".helo", "is no host: write the name that this node gives the server");
    }
    if (smtp.port() < 1 || smtp.port() > 65535) {
      add(path + ".port", smtp.port() + " is not a TCP port: use 1 to 65535");
    }
    duration(path + ".connectTimeout", smtp.connectTimeout(), Duration.ofMinutes(5));
    if (smtp.credentialsSecretRef() != null) {
      if (Findings.isBlank(smtp.credentialsSecretRef().name())) {
        add(path + ".credentialsSecretRef.name", "is missing: name a Secret");
      }
      if (smtp.tls() == Tls.None) {
        add(
            path + ".credentialsSecretRef",
            "credentials would cross the network readable: set tls to StartTLS or Implicit, or"
                + " remove it");
      }
    }
    if (smtp.ca() != null && smtp.tls() == Tls.None) {
      add(path + ".ca", "is for TLS: set tls to StartTLS or Implicit, or remove it");
    }
    checkCa(path, smtp.ca());
  }

  private void checkWebhook(String path, Webhook webhook) {
    if ((webhook.url() == null) == (webhook.urlSecretRef() == null)) {
      add(path, "a webhook has one URL: set url, or urlSecretRef if the URL itself is a secret");
    }
    if (webhook.url() != null) {
      var wrong = Notifications.urlProblem(webhook.url());
      if (wrong != null) {
        add(path + ".url", wrong);
      }
    }
    checkSecretKey(path + ".urlSecretRef", webhook.urlSecretRef());
    if ((webhook.body() != null) != (webhook.format() == Format.Custom)) {
      add(path + ".body", "body and format Custom go together: set both, or none of them");
    }
    checkBody(path + ".body", webhook.body());
    if (webhook.contentType() != null) {
      if (webhook.body() == null) {
        add(path + ".contentType", "is about body: set body, or remove it");
      }
      if (webhook.contentType().isBlank() || !LINE.matcher(webhook.contentType()).matches()) {
        add(path + ".contentType", "is no media type: write one as in application/json");
      }
    }
    if (webhook.headers().size() > 16) {
      add(path + ".headers", "has more than 16 headers: shorten it");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < webhook.headers().size(); i++) {
      checkHeader(path + ".headers[" + i + "]", webhook.headers().get(i), names);
    }
    checkCa(path, webhook.ca());
    duration(path + ".timeout", webhook.timeout(), Duration.ofMinutes(1));
    checkStates(path, webhook.states());
  }

  private void checkBody(String path, String body) {
    if (body == null) {
      return;
    }
    if (body.length() > 4096) {
      add(path, "has more than 4096 characters: shorten it");
    }
    PLACEHOLDER
        .matcher(body)
        .results()
        .map(match -> match.group(1))
        .filter(name -> !Webhook.PLACEHOLDERS.contains(name))
        .forEach(
            name ->
                add(
                    path,
                    "nothing is called ${%s}: there are %s"
                        .formatted(name, String.join(", ", Webhook.PLACEHOLDERS))));
  }

  private void checkHeader(String path, Header header, Set<String> names) {
    if (header == null || header.name() == null || !HEADER.matcher(header.name()).matches()) {
      add(path + ".name", "is no name of a header: write one as in Authorization");
      return;
    }
    var name = header.name().toLowerCase(Locale.ROOT);
    if (RESERVED.contains(name)) {
      add(path + ".name", header.name() + " is written by the agent: remove it");
    } else if (name.equals("content-type")) {
      add(path + ".name", "use contentType for it, with format Custom");
    } else if (!names.add(name)) {
      add(path + ".name", header.name() + " stands in the list twice: remove one");
    }
    if ((header.value() == null) == (header.valueSecretRef() == null)) {
      add(path, "a header has one value: set value, or valueSecretRef if it is a secret");
    }
    if (header.value() != null && !LINE.matcher(header.value()).matches()) {
      add(path + ".value", "has control characters: write it on one line");
    }
    checkSecretKey(path + ".valueSecretRef", header.valueSecretRef());
  }

  private void checkSecretKey(String path, SecretKey key) {
    if (key != null && (Findings.isBlank(key.name()) || Findings.isBlank(key.key()))) {
      add(path, "needs name and key of a Secret in virtualip's namespace");
    }
  }

  private void checkCa(String path, String ca) {
    findings.value(path + ".ca", Parsed.of(ca, Certificates::parse));
  }

  private void checkStates(String path, List<?> states) {
    if (states.stream().anyMatch(Objects::isNull)) {
      add(path + ".states", "has an empty item: remove it");
    }
  }

  private void duration(String path, String text, Duration max) {
    var value = findings.value(path, Parsed.of(text, Durations::parse));
    if (value != null && (value.compareTo(Duration.ofSeconds(1)) < 0 || value.compareTo(max) > 0)) {
      add(path, text + " is out of range: use 1s to " + max.toMinutes() + "m");
    }
  }

  private void add(String path, String message) {
    findings.add(path, message);
  }
}
