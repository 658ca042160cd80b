package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.HealthCheck.Dns;
import dev.virtualip.crds.schema.HealthCheck.Smtp;
import dev.virtualip.crds.schema.HealthCheck.Udp;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Rules about the checks {@code tcp, udp, dns, smtp, ping}, and about hosts of all checks. */
final class NetworkCheckRules {
  private static final Pattern PAYLOAD = Pattern.compile(Udp.PAYLOAD_PATTERN);
  private static final Pattern REPLY = Pattern.compile(Udp.REPLY_PATTERN);
  private static final Pattern DNS_NAME = Pattern.compile(Dns.NAME_PATTERN);
  private static final int DNS_NAME_MAX = 253;
  private static final int HEX_MAX = 2048;
  private static final Pattern HELO = Pattern.compile(Smtp.HELO_PATTERN);

  private final Findings findings;
  private final boolean ofNode;

  /**
   * The rules of a list of checks.
   *
   * @param ofNode whether they are of the node itself, not of real servers
   */
  NetworkCheckRules(Findings findings, boolean ofNode) {
    this.findings = findings;
    this.ofNode = ofNode;
  }

  void check(String path, HealthCheck check) {
    if (check.tcp() != null) {
      checkHost(path + ".tcp.host", check.tcp().host(), findings);
      checkPort(path + ".tcp.port", check.tcp().port(), "TCP port");
    }
    if (check.udp() != null) {
      checkUdp(path + ".udp", check.udp());
    }
    if (check.dns() != null) {
      checkDns(path + ".dns", check.dns());
    }
    if (check.smtp() != null) {
      checkSmtp(path + ".smtp", check.smtp());
    }
    if (check.ping() != null) {
      checkHost(path + ".ping.host", check.ping().host(), findings);
      if (ofNode && check.ping().host() == null) {
        findings.add(
            path + ".ping.host",
            "is missing, and the node answers itself always: give a host, as a router's address");
      }
    }
  }

  private void checkPort(String path, Integer port, String what) {
    if (ofNode && port == null) {
      findings.add(path, "is missing: give the " + what + " to ask at");
    }
    findings.range(path, port, 1, 65535, what);
  }

  private void checkUdp(String path, Udp udp) {
    checkHost(path + ".host", udp.host(), findings);
    checkPort(path + ".port", udp.port(), "UDP port");
    checkHex(path + ".payload", PAYLOAD, udp.payload(), "\"0a ff\"");
    checkHex(path + ".reply", REPLY, udp.reply(), "\"0a fx\", where an x is any digit");
    if (udp.reply() != null && !udp.requireReply()) {
      findings.add(
          path + ".reply", "reply is about an answer: set requireReply to true, or remove reply");
    }
  }

  private void checkHex(String path, Pattern pattern, String text, String example) {
    if (text != null && text.length() > HEX_MAX) {
      findings.add(path, "has more than %d characters: shorten it".formatted(HEX_MAX));
    } else if (text != null && !pattern.matcher(text).matches()) {
      findings.add(path, "write bytes of two hexadecimal digits, as in " + example);
    }
  }

  private void checkDns(String path, Dns dns) {
    checkHost(path + ".host", dns.host(), findings);
    findings.range(path + ".port", dns.port(), 1, 65535, "UDP port");
    if (!DNS_NAME.matcher(dns.name()).matches() || dns.name().length() > DNS_NAME_MAX) {
      findings.add(
          path + ".name",
          "is no DNS name: write labels with dots, as in www.example.com, or \".\"");
    }
  }

  private void checkSmtp(String path, Smtp smtp) {
    checkHost(path + ".host", smtp.host(), findings);
    findings.range(path + ".port", smtp.port(), 1, 65535, "TCP port");
    if (smtp.helo() != null && !HELO.matcher(smtp.helo()).matches()) {
      findings.add(path + ".helo", "is no name to say HELO with: write one as in lb.example.com");
    }
  }

  /** A host has to be an IP address: a check must not depend on DNS, nor wait for it. */
  private static void checkHost(String path, String host, Findings findings) {
    checkHost(path, host, IpPrefix::isMetadata, findings);
  }

  /**
   * @param refused addresses that tell a machine its credentials, as far as the kind would show
   *     them
   */
  static void checkHost(
      String path, String host, Predicate<InetAddress> refused, Findings findings) {
    var address = findings.value(path, Parsed.of(host, IpPrefix::parseAddress));
    if (address != null && refused.test(address)) {
      findings.add(
          path,
          host
              + " is of those where clouds tell a machine its credentials (link-local): check another");
    }
  }
}
