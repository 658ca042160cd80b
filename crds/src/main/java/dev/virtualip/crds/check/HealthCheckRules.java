package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.HealthCheck.WhenAllFail;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.crds.values.Durations;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Rules about {@code spec.healthChecks}, about the priorities that they need, and about checks of
 * real servers.
 */
final class HealthCheckRules {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern PROCESS_NAME = Pattern.compile("[^/\\s]{1,255}");
  private static final Duration HOUR = Duration.ofHours(1);

  private final Findings findings;
  private final boolean ofNode;

  private HealthCheckRules(Findings findings, boolean ofNode) {
    this.findings = findings;
    this.ofNode = ofNode;
  }

  static void check(ParsedSpec parsed, Findings findings) {
    var rules = new HealthCheckRules(findings, true);
    var spec = parsed.spec();
    if (spec.whenAllFail() == WhenAllFail.KeepMaster) {
      rules.checkFloors(spec);
    }
    rules.checkAll("spec.healthChecks", spec.healthChecks(), VirtualIpSpec.CHECKS_MAX);
  }

  /**
   * Checks the checks of real servers.
   *
   * @param havePort whether the servers have a port to ask at
   */
  static void checkOfServers(
      String path, List<HealthCheck> checks, boolean havePort, Findings findings) {
    var rules = new HealthCheckRules(findings, false);
    rules.checkAll(path, checks, VirtualServer.CHECKS_MAX);
    for (int i = 0; i < checks.size(); i++) {
      if (checks.get(i) != null) {
        rules.checkOfServer(path + "[" + i + "]", checks.get(i), havePort);
      }
    }
  }

  private void checkAll(String root, List<HealthCheck> checks, int max) {
    if (checks.size() > max) {
      findings.add(
          root, "has more than " + max + " checks: let one command look at several things");
    }
    var names = new HashSet<String>();
    for (int i = 0; i < checks.size(); i++) {
      var path = root + "[" + i + "]";
      var check = checks.get(i);
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

  private void checkOfServer(String path, HealthCheck check, boolean havePort) {
    var local = "pod and process look at this node, not at a server: use another kind";
    if (check.pod() != null) {
      findings.add(path + ".pod", local);
    }
    if (check.process() != null) {
      findings.add(path + ".process", local);
    }
    if (check.weight() != 0 || check.reverse()) {
      findings.add(
          path + (check.weight() != 0 ? ".weight" : ".reverse"),
          "weight and reverse are about the election, and servers are none of it: remove them");
    }
    var noPort = "with port 0 or a fwmark servers have no port to ask at: give the check one";
    if (!havePort && check.http() != null && check.http().port() == null) {
      findings.add(path + ".http.port", noPort);
    }
    if (!havePort && check.tcp() != null && check.tcp().port() == null) {
      findings.add(path + ".tcp.port", noPort);
    }
    if (!havePort && check.udp() != null && check.udp().port() == null) {
      findings.add(path + ".udp.port", noPort);
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
        Stream.of(
                check.http(),
                check.tcp(),
                check.udp(),
                check.dns(),
                check.smtp(),
                check.ping(),
                check.pod(),
                check.exec(),
                check.process())
            .filter(Objects::nonNull)
            .count();
    if (kinds != 1) {
      findings.add(path, HealthCheck.ONE_KIND);
    }
    if (check.watches() && !check.canWatch()) {
      findings.add(path + ".watch", HealthCheck.CANNOT_WATCH);
    }
    checkTimes(path, check);
    findings.range(path + ".rise", check.rise(), 1, 1000, "rise");
    findings.range(path + ".fall", check.fall(), 1, 1000, "fall");
    findings.range(path + ".weight", check.weight(), -253, 253, "weight");
    if (check.http() != null) {
      HttpCheckRules.check(path + ".http", check.http(), findings);
    }
    new NetworkCheckRules(findings, ofNode).check(path, check);
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

  private void checkTimes(String path, HealthCheck check) {
    duration(path + ".interval", check.interval(), Duration.ofMillis(50));
    duration(path + ".timeout", check.timeout(), Duration.ofMillis(10));
    duration(path + ".retryInterval", check.retryInterval(), Duration.ofMillis(50));
    if (check.retryInterval() != null && check.fall() == 1) {
      findings.add(path + ".retryInterval", HealthCheck.RETRY_NEEDS_FALL);
    }
  }

  private void duration(String path, String text, Duration min) {
    findings.duration(path, Parsed.of(text, Durations::parse), min, HOUR);
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
    if (ofNode && exec.weightByExitCode()) {
      findings.add(
          path + ".weightByExitCode",
          "weightByExitCode is for checks of real servers: remove it, or see weight");
    }
  }
}
