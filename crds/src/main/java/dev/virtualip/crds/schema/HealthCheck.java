package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.Durations;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/** A check of exactly one kind (keepalived: {@code vrrp_script} with typed scripts). */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value =
        "[has(self.http), has(self.tcp), has(self.udp), has(self.dns), has(self.smtp),"
            + " has(self.ping), has(self.pod), has(self.exec), has(self.process)]"
            + ".filter(kind, kind).size() == 1",
    message = HealthCheck.ONE_KIND)
@ValidationRule(
    value = "!has(self.retryInterval) || (has(self.fall) && self.fall > 1)",
    message = HealthCheck.RETRY_NEEDS_FALL,
    fieldPath = ".retryInterval")
@ValidationRule(
    value =
        "!has(self.watch) || !self.watch || has(self.http) || has(self.tcp) || has(self.pod)"
            + " || has(self.process)",
    message = HealthCheck.CANNOT_WATCH,
    fieldPath = ".watch")
public record HealthCheck(
    @Required
        @Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
        @JsonPropertyDescription("Name, unique in its list of checks; reasons show it.")
        String name,
    @JsonPropertyDescription("Ask for a page over HTTP or HTTPS (GET).") Http http,
    @JsonPropertyDescription("Open a TCP connection; that it opens is a success.") Tcp tcp,
    @JsonPropertyDescription("Send a UDP datagram and wait for an answer (keepalived: UDP_CHECK).")
        Udp udp,
    @JsonPropertyDescription(
            "Ask a DNS server by UDP; an answer with the code NOERROR is a success (keepalived:"
                + " DNS_CHECK).")
        Dns dns,
    @JsonPropertyDescription("Let an SMTP server greet, and leave again (keepalived: SMTP_CHECK).")
        Smtp smtp,
    @JsonPropertyDescription(
            "Send an ICMP echo request, IPv4 or IPv6; its reply is a success (keepalived:"
                + " PING_CHECK).")
        Ping ping,
    @JsonPropertyDescription("Find a Ready pod on this node; needs the API server.") Pod pod,
    @JsonPropertyDescription(
            "Run a command of the scripts directory, if the installation has one; exit code 0 is a"
                + " success.")
        Exec exec,
    @JsonPropertyDescription("Find a running process on this node (keepalived: track_process).")
        Process process,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time from the start of one check to the next, 50ms to 1h. Default: 1s.")
        String interval,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Longest wait for an answer, 10ms to 1h; longer is a failure. Default: the interval. The"
                + " first check has 1s at least.")
        String timeout,
    @Pattern(Durations.PATTERN)
        @JsonPropertyDescription(
            "Time from a failure to the next check while the check does not count as failed yet, 50ms"
                + " to 1h (keepalived: delay_before_retry). Needs a fall of 2 or more. Default: the"
                + " interval.")
        String retryInterval,
    @JsonPropertyDescription(
            "What the check counts as before its first result. Unknown, the default: with weight 0 the"
                + " node waits, else nothing is added, and the first result decides alone. Good or"
                + " Failed (keepalived: init_fail): until fall failures or rise successes in a row"
                + " say otherwise. Of a real server Unknown counts as good, and Failed keeps it out until"
                + " then (keepalived: alpha).")
        Initial initial,
    @Min(1)
        @Max(1000)
        @JsonPropertyDescription("Successes in a row that make a failed check good. Default: 1.")
        Integer rise,
    @Min(1)
        @Max(1000)
        @JsonPropertyDescription("Failures in a row that make a good check failed. Default: 1.")
        Integer fall,
    @Min(-253)
        @Max(253)
        @JsonPropertyDescription(
            "0: a failed check is a fault, the node gives up the addresses; but see whenAllFail."
                + " Positive: added to the"
                + " priority while good. Negative: added to the priority while failed. The sum stays"
                + " within 1 to 254. Default: 0.")
        Integer weight,
    @JsonPropertyDescription(
            "Turns the weight round (keepalived: reverse): what would be added is taken off, and with"
                + " weight 0 a good check is the fault, as of a file that says: not here. Default:"
                + " false.")
        Boolean reverse,
    @JsonPropertyDescription(
            "Whether it checks at once, besides at each interval, when what it looks at may have"
                + " ended: http and tcp hold an idle connection, which ends with the server, process"
                + " waits for the process's exit, pod hears the pod's report. A failure that does not"
                + " count yet is then followed by the next check after 10ms, or after retryInterval if"
                + " given. Default: true for these kinds; of real servers false.")
        Boolean watch) {

  /** What is said of a check with another number of kinds. */
  public static final String ONE_KIND =
      "a health check has exactly one kind: set one of http, tcp, udp, dns, smtp, ping, pod, exec,"
          + " process";

  /** What is said of a retryInterval that no check would use. */
  public static final String RETRY_NEEDS_FALL =
      "the first failure counts already: set fall to 2 or more, or remove retryInterval";

  /** What is said of a check that cannot watch and is to. */
  public static final String CANNOT_WATCH =
      "only http, tcp, pod and process checks can watch what they look at: remove watch";

  private static final String LOCALHOST = "127.0.0.1";
  private static final int DNS_PORT = 53;
  private static final int SMTP_PORT = 25;

  /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
  public HealthCheck {
    interval = Objects.requireNonNullElse(interval, "1s");
    timeout = Objects.requireNonNullElse(timeout, interval);
    initial = Objects.requireNonNullElse(initial, Initial.Unknown);
    rise = Objects.requireNonNullElse(rise, 1);
    fall = Objects.requireNonNullElse(fall, 1);
    weight = Objects.requireNonNullElse(weight, 0);
    reverse = Objects.requireNonNullElse(reverse, false);
  }

  /**
   * The same check of a server: it asks at its address and port, unless the check has others.
   *
   * @param port null if the check has one, or asks at none
   */
  public HealthCheck at(String host, Integer port) {
    return with(name, host, port, watch);
  }

  /** The same check by another name; it is complete with address and port already. */
  public HealthCheck named(String other) {
    return with(other, null, null, watch);
  }

  /**
   * The same check of the node itself. What it cannot do without stays absent, and is not valid:
   * the port of a TCP or UDP check, the host of a ping.
   */
  HealthCheck ofNode() {
    var host = ping == null ? LOCALHOST : null;
    var port = http == null ? null : http.scheme() == Scheme.HTTPS ? 443 : 80;
    return with(name, host, port, watch == null && canWatch() ? Boolean.TRUE : watch);
  }

  private HealthCheck with(String newName, String host, Integer port, Boolean newWatch) {
    return new HealthCheck(
        newName,
        http == null ? null : http.at(host, port),
        tcp == null ? null : tcp.at(host, port),
        udp == null ? null : udp.at(host, port),
        dns == null ? null : dns.at(host, port),
        smtp == null ? null : smtp.at(host, port),
        ping == null ? null : ping.at(host),
        pod,
        exec,
        process,
        interval,
        timeout,
        retryInterval,
        initial,
        rise,
        fall,
        weight,
        reverse,
        newWatch);
  }

  /** Whether what it looks at can be watched. */
  public boolean canWatch() {
    return http != null || tcp != null || pod != null || process != null;
  }

  /** Whether it watches what it looks at. */
  public boolean watches() {
    return Boolean.TRUE.equals(watch);
  }

  /** What a check counts as before its first result. */
  public enum Initial {
    /** Nothing is known. */
    Unknown,
    /** It serves. */
    Good,
    /** It does not serve. */
    Failed
  }

  /** What becomes of a master whose check fails. */
  public enum WhenAllFail {
    /** It gives up the addresses at once. */
    Release,
    /** It goes on until a node with good checks takes over. */
    KeepMaster
  }

  /** How HTTP is spoken, in the words of Kubernetes' probes. */
  public enum Scheme {
    /** In clear text. */
    HTTP,
    /** Over TLS. */
    HTTPS
  }

  /**
   * GET {@code http://host:port/path}.
   *
   * @param host null in a check of a real server: its address
   * @param port null in a check of a real server: its port
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!has(self.tls) || (has(self.scheme) && self.scheme == 'HTTPS')",
      message = "tls is for HTTPS: set scheme to HTTPS, or remove tls",
      fieldPath = ".tls")
  public record Http(
      @JsonPropertyDescription("HTTP, or HTTPS by TLS. Default: HTTP.") Scheme scheme,
      @JsonPropertyDescription(
              "IP address to connect to, one of the node itself as a rule. Default: 127.0.0.1, of a"
                  + " real server its address.")
          String host,
      @Min(1)
          @Max(65535)
          @JsonPropertyDescription(
              "TCP port. Default: 80, with HTTPS 443; of a real server its port.")
          Integer port,
      @Pattern("^/\\S*$")
          @JsonPropertyDescription(
              "Path of the page, and its query if it has one, as in /healthz?full=1. Default: /")
          String path,
      @Pattern(HOST_HEADER_PATTERN)
          @JsonPropertyDescription(
              "Host header, and with HTTPS the name asked for (SNI): which of the server's sites is"
                  + " meant. Default: host and port.")
          String hostHeader,
      @Pattern(STATUSES_PATTERN)
          @JsonPropertyDescription(
              "Statuses that are a success: one, a range, or several of these with commas, as in"
                  + " \"200-299,401\". Default: 200-399. Redirects are not followed.")
          String statuses,
      @Size(min = 1, max = 1024)
          @JsonPropertyDescription(
              "Text that the body has to contain; of longer bodies the first 64 KiB count.")
          String bodyContains,
      @JsonPropertyDescription(
              "What is asked of the server's certificate. Default: nothing, any will do.")
          Tls tls) {
    /** What may be a Host header: a name or an address, and perhaps a port. */
    public static final String HOST_HEADER_PATTERN =
        "^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$";

    /** What may be a set of statuses. */
    public static final String STATUSES_PATTERN =
        "^[1-5][0-9]{2}(-[1-5][0-9]{2})?(,[1-5][0-9]{2}(-[1-5][0-9]{2})?)*$";

    /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
    public Http {
      scheme = Objects.requireNonNullElse(scheme, Scheme.HTTP);
      path = Objects.requireNonNullElse(path, "/");
      statuses = Objects.requireNonNullElse(statuses, "200-399");
    }

    private Http at(String otherHost, Integer otherPort) {
      return new Http(
          scheme,
          host == null ? otherHost : host,
          port == null ? otherPort : port,
          path,
          hostHeader,
          statuses,
          bodyContains,
          tls);
    }

    /** Whether a status is a success. */
    public boolean expects(int status) {
      for (var range : statuses.split(",")) {
        int low = Integer.parseInt(range.substring(0, 3));
        int high = Integer.parseInt(range.substring(range.length() - 3));
        if (status >= low && status <= high) {
          return true;
        }
      }
      return false;
    }
  }

  /** What is asked of a server's certificate. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!has(self.ca) || (has(self.verify) && self.verify)",
      message = "ca is for verification: set verify to true, or remove ca",
      fieldPath = ".ca")
  @ValidationRule(
      value = "!has(self.caFile) || (has(self.verify) && self.verify)",
      message = "caFile is for verification: set verify to true, or remove caFile",
      fieldPath = ".caFile")
  @ValidationRule(
      value = "!has(self.ca) || !has(self.caFile)",
      message = "ca and caFile are two sources of the same: remove one of them",
      fieldPath = ".caFile")
  public record Tls(
      @JsonPropertyDescription(
              "Whether the certificate has to be valid, trusted, and for hostHeader (or host). Default:"
                  + " false, any will do, as with Kubernetes' probes.")
          Boolean verify,
      @Size(min = 1, max = 65536)
          @JsonPropertyDescription(
              "Certificates of the authorities to trust, PEM. Default: those that Java trusts, the"
                  + " public ones.")
          String ca,
      @Pattern("^/\\S*$")
          @JsonPropertyDescription(
              "The same from a file that the agent can read, as /etc/kubernetes/pki/ca.crt. It is read"
                  + " before each check, and without it the check fails.")
          String caFile) {
    /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
    public Tls {
      verify = Objects.requireNonNullElse(verify, false);
    }
  }

  /**
   * Connect to a port.
   *
   * @param host null in a check of a real server: its address
   * @param port null in a check of a real server: its port
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Tcp(
      @JsonPropertyDescription(
              "IP address to connect to, one of the node itself as a rule. Default: 127.0.0.1, of a"
                  + " real server its address.")
          String host,
      @Min(1)
          @Max(65535)
          @JsonPropertyDescription(
              "TCP port. Required in spec.healthChecks. Default of a real server: its port.")
          Integer port) {

    private Tcp at(String otherHost, Integer otherPort) {
      return new Tcp(host == null ? otherHost : host, port == null ? otherPort : port);
    }
  }

  /**
   * Send a datagram and wait for an answer.
   *
   * @param host null in a check of a real server: its address
   * @param port null in a check of a real server: its port
   * @param reply null if any answer will do
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "!has(self.reply) || !has(self.requireReply) || self.requireReply",
      message = "reply is about an answer: set requireReply to true, or remove reply",
      fieldPath = ".reply")
  public record Udp(
      @JsonPropertyDescription(
              "IP address to send to, one of the node itself as a rule. Default: 127.0.0.1, of a real"
                  + " server its address.")
          String host,
      @Min(1)
          @Max(65535)
          @JsonPropertyDescription(
              "UDP port. Required in spec.healthChecks. Default of a real server: its port.")
          Integer port,
      @Pattern(PAYLOAD_PATTERN)
          @Size(max = 2048)
          @JsonPropertyDescription(
              "What is sent, bytes in hexadecimal: \"0a ff\" or 0aff (keepalived: payload). Default:"
                  + " 00.")
          String payload,
      @JsonPropertyDescription(
              "Whether an answer has to come (keepalived: require_reply). False: it is a success too if"
                  + " nothing comes within nine tenths of timeout, not even the ICMP error of a closed"
                  + " port. Default: true.")
          Boolean requireReply,
      @Pattern(REPLY_PATTERN)
          @Size(max = 2048)
          @JsonPropertyDescription(
              "What the answer has to begin with, bytes in hexadecimal; an x is any digit. Default:"
                  + " anything.")
          String reply) {
    /** What may be a payload. */
    public static final String PAYLOAD_PATTERN = "^([0-9A-Fa-f]{2} ?)+$";

    /** What may be a reply. */
    public static final String REPLY_PATTERN = "^([0-9A-Fa-fXx]{2} ?)+$";

    /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
    public Udp {
      payload = Objects.requireNonNullElse(payload, "00");
      requireReply = Objects.requireNonNullElse(requireReply, true);
    }

    private Udp at(String otherHost, Integer otherPort) {
      return new Udp(
          host == null ? otherHost : host,
          port == null ? otherPort : port,
          payload,
          requireReply,
          reply);
    }
  }

  /**
   * Ask a DNS server by UDP.
   *
   * @param host null in a check of a real server: its address
   * @param port null in a check of a real server: its port
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Dns(
      @JsonPropertyDescription(
              "IP address to ask at, one of the node itself as a rule. Default: 127.0.0.1, of a real"
                  + " server its address.")
          String host,
      @Min(1)
          @Max(65535)
          @JsonPropertyDescription(
              "UDP port. Default: that of a real server, if it has one, or 53.")
          Integer port,
      @Pattern(NAME_PATTERN)
          @Size(min = 1, max = 253)
          @JsonPropertyDescription(
              "Name to ask for, as in www.example.com. Default: \".\", the root (as keepalived's).")
          String name,
      @JsonPropertyDescription("Type of the records to ask for. Default: SOA (as keepalived's).")
          RecordType type) {
    /** What may be a name: labels of 1 to 63 characters. */
    public static final String NAME_PATTERN =
        "^(\\.|[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*\\.?)$";

    /** Fills in the defaults, which the schema leaves to the reader: see {@link VirtualIpSpec}. */
    public Dns {
      name = Objects.requireNonNullElse(name, ".");
      type = Objects.requireNonNullElse(type, RecordType.SOA);
    }

    private Dns at(String otherHost, Integer otherPort) {
      return new Dns(
          host == null ? otherHost : host,
          port == null ? Objects.requireNonNullElse(otherPort, DNS_PORT) : port,
          name,
          type);
    }
  }

  /** Types of DNS records (RFC 1035, RFC 3596). */
  public enum RecordType {
    /** IPv4 address. */
    A,
    /** Name server. */
    NS,
    /** Canonical name. */
    CNAME,
    /** Start of authority. */
    SOA,
    /** Mail exchanger. */
    MX,
    /** Text. */
    TXT,
    /** IPv6 address. */
    AAAA
  }

  /**
   * Let an SMTP server greet.
   *
   * @param host null in a check of a real server: its address
   * @param port null in a check of a real server: its port
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Smtp(
      @JsonPropertyDescription(
              "IP address to connect to, one of the node itself as a rule. Default: 127.0.0.1, of a"
                  + " real server its address.")
          String host,
      @Min(1)
          @Max(65535)
          @JsonPropertyDescription(
              "TCP port. Default: that of a real server, if it has one, or 25.")
          Integer port,
      @Pattern(HELO_PATTERN)
          @JsonPropertyDescription(
              "Name to say HELO with, which has to be answered by 250, too (keepalived: helo_name)."
                  + " Default: the greeting is enough.")
          String helo) {
    /** What may follow HELO: a name, or an address in brackets. */
    public static final String HELO_PATTERN = "^[A-Za-z0-9._:\\[\\]-]{1,255}$";

    private Smtp at(String otherHost, Integer otherPort) {
      return new Smtp(
          host == null ? otherHost : host,
          port == null ? Objects.requireNonNullElse(otherPort, SMTP_PORT) : port,
          helo);
    }
  }

  /**
   * Send an ICMP echo request.
   *
   * @param host null in a check of a real server: its address
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Ping(
      @JsonPropertyDescription(
              "IP address, as of a router. Required in spec.healthChecks. Default of a real server:"
                  + " its address.")
          String host) {

    private Ping at(String otherHost) {
      return new Ping(host == null ? otherHost : host);
    }
  }

  /**
   * At least one matching pod on this node is Ready. The API server away: the last answer holds.
   */
  public record Pod(
      @Required @Size(min = 1) @JsonPropertyDescription("Namespace of the pods.") String namespace,
      @Required @JsonPropertyDescription("Labels of the pods.") LabelSelector selector) {}

  /**
   * A command exits with 0. It runs as nobody, without capabilities, and only if it lies below the
   * agent's scripts directory.
   */
  public record Exec(
      @Required
          @Size(min = 1, max = 64)
          @JsonPropertyDescription(
              "Program below the scripts directory, by its path or the part of it below, and its"
                  + " arguments. No shell is involved.")
          List<String> command,
      @JsonPropertyDescription(
              "For checks of real servers: exit code 2 to 255 is a success too, and sets the server's"
                  + " weight to the code less 2 (keepalived: misc_dynamic). Default: false, only 0 is"
                  + " a success.")
          Boolean weightByExitCode) {
    /** Copies the list; an absent one is empty. */
    public Exec {
      weightByExitCode = Objects.requireNonNullElse(weightByExitCode, false);
      command = command == null ? List.of() : Collections.unmodifiableList(command);
    }
  }

  /** A process of this name runs on the node. */
  public record Process(
      @Required
          @Pattern("^[^/\\s]{1,255}$")
          @JsonPropertyDescription(
              "Name as ps -e shows it, without path: nginx. The agent sees the node's processes only"
                  + " with hostPID.")
          String name) {}
}
