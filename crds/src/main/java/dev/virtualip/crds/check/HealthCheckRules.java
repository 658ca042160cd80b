package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.HealthCheck.WhenAllFail;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.crds.values.IpPrefix;
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Rules about {@code spec.healthChecks}, and about the priorities that they need. */
final class HealthCheckRules {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern PROCESS_NAME = Pattern.compile("[^/\\s]{1,255}");
  private static final Duration HOUR = Duration.ofHours(1);

  private final Findings findings;

  private HealthCheckRules(Findings findings) {
    this.findings = findings;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    new HealthCheckRules(findings).check(parsed.spec());
  }

  private void check(VirtualIpSpec spec) {
    if (spec.whenAllFail() == WhenAllFail.KeepMaster) {
      checkFloors(spec);
    }
    if (spec.healthChecks().size() > VirtualIpSpec.CHECKS_MAX) {
      findings.add(
          "spec.healthChecks", "has more than 32 checks: let one command look at several things");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < spec.healthChecks().size(); i++) {
      var path = "spec.healthChecks[" + i + "]";
      var check = spec.healthChecks().get(i);
      if (check == null || Findings.isBlank(check.name())) {
        findings.add(path + ".name", "is missing: give the check a short name, as in ingress");
        continue;
      }
      if (!NAME.matcher(check.name()).matches()) {
        findings.add(
            path + ".name", "\"" + check.name() + "\" is no name: use 1 to 63 of a-z, 0-9 and -");
      }
      if (!names.add(check.name())) {
        findings.add(path + ".name", "two checks are called " + check.name() + ": rename one");
      }
      checkOne(path, check);
    }
  }

  /** With {@code whenAllFail: KeepMaster} priority 1 is reserved for nodes with failed checks. */
  private void checkFloors(VirtualIpSpec spec) {
    checkFloor("spec.priority", spec.priority());
    for (int i = 0; i < spec.nodes().overrides().size(); i++) {
      var override = spec.nodes().overrides().get(i);
      if (override != null) {
        checkFloor("spec.nodes.overrides[" + i + "].priority", override.priority());
      }
    }
  }

  private void checkFloor(String path, Integer priority) {
    if (priority != null && priority == 1) {
      findings.add(
          path, "with whenAllFail KeepMaster priority 1 means failed checks: use 2 or more");
    }
  }

  private void checkOne(String path, HealthCheck check) {
    long kinds =
        Stream.of(check.http(), check.tcp(), check.pod(), check.exec(), check.process())
            .filter(Objects::nonNull)
            .count();
    if (kinds != 1) {
      findings.add(
          path, "a health check has exactly one kind: set one of http, tcp, pod, exec, process");
    }
    duration(path + ".interval", check.interval(), Duration.ofMillis(50));
    duration(path + ".timeout", check.timeout(), Duration.ofMillis(10));
    findings.range(path + ".rise", check.rise(), 1, 1000, "rise");
    findings.range(path + ".fall", check.fall(), 1, 1000, "fall");
    findings.range(path + ".weight", check.weight(), -253, 253, "weight");
    if (check.http() != null) {
      HttpCheckRules.check(path + ".http", check.http(), findings);
    }
    if (check.tcp() != null) {
      checkTcp(path + ".tcp", check.tcp());
    }
    if (check.pod() != null) {
      checkPod(path + ".pod", check.pod());
    }
    if (check.exec() != null) {
      checkExec(path + ".exec", check.exec());
    }
    if (check.process() != null) {
      var name = check.process().name();
      if (name == null || !PROCESS_NAME.matcher(name).matches()) {
        findings.add(
            path + ".process.name", "is no name of a process: write it without path, as in nginx");
      }
    }
  }

  private void duration(String path, String text, Duration min) {
    findings.duration(path, Parsed.of(text, Durations::parse), min, HOUR);
  }

  private void checkTcp(String path, HealthCheck.Tcp tcp) {
    checkHost(path + ".host", tcp.host(), findings);
    if (tcp.port() == null) {
      findings.add(path + ".port", "is missing: give the TCP port to connect to");
    }
    findings.range(path + ".port", tcp.port(), 1, 65535, "TCP port");
  }

  private void checkPod(String path, HealthCheck.Pod pod) {
    if (Findings.isBlank(pod.namespace())) {
      findings.add(path + ".namespace", "is missing: name the namespace of the pods");
    }
    if (pod.selector() == null || pod.selector().isEmpty()) {
      findings.add(path + ".selector", "is missing: give labels that the pods have");
    }
    findings.selector(path + ".selector", pod.selector());
  }

  private void checkExec(String path, HealthCheck.Exec exec) {
    var command = exec.command();
    if (command.isEmpty() || command.size() > 64 || Findings.isBlank(command.getFirst())) {
      findings.add(path + ".command", "needs a program below the scripts directory, and arguments");
    } else if (command.contains(null)) {
      findings.add(path + ".command", "has an empty item: remove it, or write \"\"");
    }
  }

  /** A host has to be an IP address: a check must not depend on DNS, nor wait for it. */
  static void checkHost(String path, String host, Findings findings) {
    findings.value(path, Parsed.of(host, IpPrefix::parseAddress));
  }
}
