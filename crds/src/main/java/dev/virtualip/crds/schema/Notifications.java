package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The notifications that a node sends when it enters another state (keepalived: {@code notify,
 * smtp_alert}). Each channel is independent of the others.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Notifications(
    @JsonPropertyDescription(
            "Run a command with the four arguments of keepalived's notify script behind its own: GROUP"
                + " or INSTANCE; the name of the sync group or VirtualIP; MASTER, BACKUP, FAULT, STOP or"
                + " DELETED; the priority, 0 for a group.")
        Exec exec,
    @JsonPropertyDescription("Send a mail, with keepalived's subject (keepalived: smtp_alert).")
        Email email,
    @JsonPropertyDescription("POST to a URL.") Webhook webhook) {

  /** No channels. */
  public static final Notifications NONE = new Notifications(null, null, null);

  /** What may be a mail address: enough to keep line breaks and second addresses out. */
  public static final String ADDRESS_PATTERN =
      "^[^\\s@<>()\\[\\],;:\\\\\"]{1,64}@[^\\s@<>()\\[\\],;:\\\\\"]{1,255}$";

  /** A text on one line. */
  public static final String LINE_PATTERN = "^[^\\x00-\\x1F\\x7F]*$";

  /** What may be the name of a host, or its address. */
  public static final String HOST_PATTERN = "^[0-9A-Za-z._:-]{1,253}$";

  /** What may be the name of an HTTP header (RFC 9110 5.1). */
  public static final String HEADER_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$";

  /** What may be a URL to post to. */
  static final String URL_PATTERN = "^https?://[^\\s#]+$";

  /** States of a virtual router as keepalived's scripts know them, in the words of this API. */
  public enum State {
    /** Holds the addresses. */
    Master,
    /** Listens to the master. */
    Backup,
    /** Cannot take part. */
    Fault,
    /** The agent ends. */
    Stop,
    /** The VirtualIP was deleted, or does not select the node any more. */
    Deleted
  }

  /** Label of Secrets that notifications may use, with the value {@code true}. */
  public static final String SECRET_LABEL = "virtualip.dev/notifications";

  /** The keys of Secrets that the channels need. */
  public List<SecretKey> secretKeys() {
    var keys = new ArrayList<SecretKey>();
    if (email != null && email.smtp() != null && email.smtp().credentialsSecretRef() != null) {
      keys.add(email.smtp().credentialsSecretRef().username());
      keys.add(email.smtp().credentialsSecretRef().password());
    }
    if (webhook != null) {
      keys.add(webhook.urlSecretRef());
      webhook.headers().stream()
          .filter(Objects::nonNull)
          .forEach(header -> keys.add(header.valueSecretRef()));
    }
    keys.removeIf(key -> key == null || key.name() == null || key.key() == null);
    return List.copyOf(keys);
  }

  /** What is wrong with a URL to post to, or null. It does not repeat the URL, a secret perhaps. */
  public static String urlProblem(String url) {
    try {
      var uri = new URI(url);
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      if (!http || uri.getHost() == null || uri.getFragment() != null) {
        return "is no URL to post to: write one as in https://example.com/hook";
      }
      return uri.getUserInfo() == null
          ? null
          : "has a password in it, which is not sent: use a header Authorization instead";
    } catch (URISyntaxException e) {
      return "is no URL to post to: %s at character %d".formatted(e.getReason(), e.getIndex() + 1);
    }
  }

  /** A command. It runs as nobody, without capabilities, and only below the scripts directory. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Exec(
      @Required
          @Size(min = 1, max = 64)
          @JsonPropertyDescription(
              "Program below the agent's scripts directory (--scripts), by its path or the part of it"
                  + " below, and its arguments. No shell is involved.")
          List<String> command,
      @Default("30s")
          @Pattern(Durations.PATTERN)
          @JsonPropertyDescription(
              "Longest time it may run, 1s to 10m; after that it is ended. Only the notifications of"
                  + " the same VirtualIP or sync group wait for it.")
          String timeout,
      @Size(max = 5) @JsonPropertyDescription("States to tell. Default: all. keepalived tells all.")
          List<State> states) {
    /** Fills in the schema's defaults. */
    public Exec {
      command = VirtualIpSpec.copy(command);
      timeout = Objects.requireNonNullElse(timeout, "30s");
      states = VirtualIpSpec.copy(states);
    }
  }

  /** A mail to some people. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  public record Email(
      @Required
          @Pattern(ADDRESS_PATTERN)
          @JsonPropertyDescription("Sender (keepalived: notification_email_from).")
          String from,
      @Required
          @Size(min = 1, max = 50)
          @JsonPropertyDescription("Recipients (keepalived: notification_email).")
          List<@Pattern(ADDRESS_PATTERN) String> to,
      @Size(min = 1, max = 64)
          @Pattern(LINE_PATTERN)
          @JsonPropertyDescription(
              "What stands for this node in the subject (keepalived: router_id), as in [LVS_DEVEL]."
                  + " Default: the node's name.")
          String routerId,
      @Required @JsonPropertyDescription("The server that takes the mail.") Smtp smtp,
      @Size(max = 5)
          @JsonPropertyDescription(
              "States to tell. Default: all. Without Fault it is keepalived's no_email_faults.")
          List<State> states) {
    /** Copies the lists; absent ones are empty. */
    public Email {
      to = VirtualIpSpec.copy(to);
      states = VirtualIpSpec.copy(states);
    }
  }

  /** How a connection is secured. */
  public enum Tls {
    /** Not at all, as in keepalived. */
    None,
    /** By STARTTLS, which the server has to offer. */
    StartTLS,
    /** From the first byte on, as on port 465. */
    Implicit
  }

  /** A mail server. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!has(self.credentialsSecretRef) || (has(self.tls) && self.tls != 'None')",
      message =
          "credentials would cross the network readable: set tls to StartTLS or Implicit, or remove"
              + " credentialsSecretRef",
      fieldPath = ".credentialsSecretRef")
  @ValidationRule(
      value = "!has(self.ca) || (has(self.tls) && self.tls != 'None')",
      message = "ca is for TLS: set tls to StartTLS or Implicit, or remove ca",
      fieldPath = ".ca")
  public record Smtp(
      @Required
          @Pattern(HOST_PATTERN)
          @JsonPropertyDescription(
              "Name or address of the server (keepalived: smtp_server). An address needs no DNS, which"
                  + " may be away just when it matters.")
          String host,
      @Default("25")
          @Min(1)
          @Max(65535)
          @JsonPropertyDescription("TCP port: 25, 587 for StartTLS, or 465 for Implicit as a rule.")
          Integer port,
      @Default("30s")
          @Pattern(Durations.PATTERN)
          @JsonPropertyDescription(
              "Longest wait for a connection, and for each answer on it (keepalived:"
                  + " smtp_connect_timeout), 1s to 5m.")
          String connectTimeout,
      @Pattern(HOST_PATTERN)
          @JsonPropertyDescription(
              "Name that the node says it has (keepalived: smtp_helo_name). Default: the node's name.")
          String helo,
      @Default("None")
          @JsonPropertyDescription(
              "None, as keepalived; StartTLS; or Implicit. The server's certificate has to be valid for"
                  + " host.")
          Tls tls,
      @Size(min = 1, max = 65536)
          @JsonPropertyDescription(
              "Certificates of the authorities to trust, PEM. Default: those that Java trusts, the"
                  + " public ones.")
          String ca,
      @JsonPropertyDescription("Who to log in as. Default: nobody.")
          CredentialsRef credentialsSecretRef) {
    /** Fills in the schema's defaults. */
    public Smtp {
      port = Objects.requireNonNullElse(port, 25);
      connectTimeout = Objects.requireNonNullElse(connectTimeout, "30s");
      tls = Objects.requireNonNullElse(tls, Tls.None);
    }
  }

  /** A Secret with user name and password, as of the type kubernetes.io/basic-auth. */
  public record CredentialsRef(
      @Required
          @Size(min = 1)
          @JsonPropertyDescription(
              "Name of a Secret in virtualip's own namespace, with the keys username and password and"
                  + " the label virtualip.dev/notifications: \"true\".")
          String name) {
    /** The key of the user name. */
    public SecretKey username() {
      return new SecretKey(name, "username");
    }

    /** The key of the password. */
    public SecretKey password() {
      return new SecretKey(name, "password");
    }
  }

  /** What a POST says. */
  public enum Format {
    /** A JSON object with all there is to say. */
    Generic,
    /** Alerts for Alertmanager's /api/v2/alerts. */
    Alertmanager,
    /** {@code {"text": …}}, for Slack, Mattermost, Rocket.Chat and the like. */
    Slack,
    /** The body of the spec. */
    Custom
  }

  /** A POST to a URL. */
  @JsonInclude(JsonInclude.Include.NON_EMPTY)
  @ValidationRule(
      value = "[has(self.url), has(self.urlSecretRef)].filter(given, given).size() == 1",
      message = "a webhook has one URL: set url, or urlSecretRef if the URL itself is a secret")
  @ValidationRule(
      value = "has(self.body) == (has(self.format) && self.format == 'Custom')",
      message = "body and format Custom go together: set both, or none of them",
      fieldPath = ".body")
  @ValidationRule(
      value = "!has(self.contentType) || has(self.body)",
      message = "contentType is about body: set body, or remove contentType",
      fieldPath = ".contentType")
  public record Webhook(
      @Pattern(URL_PATTERN)
          @Size(max = 2048)
          @JsonPropertyDescription("Where to post to: https, or with plainHttp http too.")
          String url,
      @JsonPropertyDescription(
              "Key of a Secret in virtualip's own namespace, with the label"
                  + " virtualip.dev/notifications: \"true\", that holds the URL, for receivers such as"
                  + " Slack whose URL is a password.")
          SecretKey urlSecretRef,
      @Default("Generic")
          @JsonPropertyDescription(
              "What is posted. Generic: a JSON object with all there is to say. Alertmanager: alerts"
                  + " for its /api/v2/alerts. Slack: {\"text\": …}. Custom: the text in body.")
          Format format,
      @Size(max = 4096)
          @JsonPropertyDescription(
              "What to post with format Custom. ${name}, ${type}, ${state}, ${previous}, ${priority},"
                  + " ${node}, ${reason}, ${addresses}, ${time} and ${text} (all of it in one sentence)"
                  + " are filled in, escaped as contentType asks.")
          String body,
      @Size(max = 256)
          @Pattern(LINE_PATTERN)
          @JsonPropertyDescription(
              "Media type of body. What is filled in is escaped for JSON if it ends in json, encoded"
                  + " as in URLs for application/x-www-form-urlencoded, else left as it is. Default:"
                  + " application/json.")
          String contentType,
      @Size(max = 16) @JsonPropertyDescription("Further headers.") List<Header> headers,
      @Size(min = 1, max = 65536)
          @JsonPropertyDescription(
              "Certificates of the authorities to trust, PEM. Default: those that Java trusts, the"
                  + " public ones.")
          String ca,
      @Default("10s")
          @Pattern(Durations.PATTERN)
          @JsonPropertyDescription("Longest wait for the answer, 1s to 1m.")
          String timeout,
      @Size(max = 5) @JsonPropertyDescription("States to tell. Default: all.") List<State> states,
      @JsonPropertyDescription(
              "Whether the URL may begin with http:, so that anybody on the way can read and change"
                  + " what is told, headers included. Default: false.")
          Boolean plainHttp) {
    /** What a body may have filled in. */
    public static final List<String> PLACEHOLDERS =
        List.of(
            "name",
            "type",
            "state",
            "previous",
            "priority",
            "node",
            "reason",
            "addresses",
            "time",
            "text");

    /** Fills in the schema's defaults. */
    public Webhook {
      format = Objects.requireNonNullElse(format, Format.Generic);
      headers = VirtualIpSpec.copy(headers);
      timeout = Objects.requireNonNullElse(timeout, "10s");
      states = VirtualIpSpec.copy(states);
      plainHttp = Objects.requireNonNullElse(plainHttp, false);
    }

    /**
     * What is wrong with the URL of this webhook, or null. It does not repeat the URL. A rule of
     * the spec would keep VirtualIPs that were good before from running; this only keeps it untold.
     */
    public String urlProblem(String text) {
      var wrong = Notifications.urlProblem(text);
      return wrong != null || plainHttp || text.startsWith("https:")
          ? wrong
          : "would cross the network readable: use https, or set plainHttp to true";
    }
  }

  /** A header of a request. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "[has(self.value), has(self.valueSecretRef)].filter(given, given).size() == 1",
      message = "a header has one value: set value, or valueSecretRef if it is a secret")
  public record Header(
      @Required @Pattern(HEADER_PATTERN) @JsonPropertyDescription("Name, as in Authorization.")
          String name,
      @Size(max = 4096) @Pattern(LINE_PATTERN) @JsonPropertyDescription("Value that is no secret.")
          String value,
      @JsonPropertyDescription(
              "Key of a Secret in virtualip's own namespace, with the label"
                  + " virtualip.dev/notifications: \"true\", that holds the value.")
          SecretKey valueSecretRef) {}
}
