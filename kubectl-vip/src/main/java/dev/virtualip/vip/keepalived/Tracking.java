package dev.virtualip.vip.keepalived;

import java.math.BigDecimal;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What instances and groups track: scripts, processes, files, BFD sessions and NICs. */
final class Tracking {
  private static final int WEIGHT_MAX = 253;

  private final Map<String, Directive> scripts = new HashMap<>();
  private final Map<String, Directive> processes = new HashMap<>();
  private final Map<String, Directive> files = new HashMap<>();
  private final Map<String, Directive> bfd = new HashMap<>();
  private final Set<Directive> used = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<Fields, Set<Directive>> checksOf = new IdentityHashMap<>();
  private final Set<Directive> above = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Commands commands;
  private final Report report;
  private final Reading reading;

  Tracking(Commands commands, Report report) {
    this.commands = commands;
    this.report = report;
    this.reading = new Reading(report);
  }

  /** Takes a block outside of others; returns whether it is one that can be tracked. */
  boolean define(Directive block) {
    var blocks =
        switch (block.keyword()) {
          case "vrrp_script" -> scripts;
          case "vrrp_track_process" -> processes;
          case "vrrp_track_file", "track_file" -> files;
          case "bfd_instance" -> bfd;
          default -> null;
        };
    if (blocks == null) {
      return false;
    }
    var former = blocks.putIfAbsent(block.argument(1), block);
    if (former != null) {
      report.notSupported(block, "has the name of the one at " + former.place());
    }
    return true;
  }

  /** Tells what stands above the instance or group that is translated next. */
  void above(Collection<Directive> blocks) {
    above.clear();
    above.addAll(blocks);
  }

  /** keepalived knows what stands above alone. */
  private void use(Directive tracked, Directive block) {
    used.add(block);
    if (!above.contains(block)) {
      report.approximated(
          tracked,
          "keepalived ignores it, as %s is below; here it counts".formatted(block.place()));
    }
  }

  /** What nobody tracks has no effect. */
  void complete() {
    for (var blocks : List.of(scripts, processes, files, bfd)) {
      blocks.values().stream()
          .filter(block -> !used.contains(block))
          .forEach(block -> report.unused(block, "nobody tracks it, so it has no effect"));
    }
  }

  /** Adds what a block {@code track_…} of an instance or group lists to a spec. */
  void track(Directive block, Fields spec, Set<String> ownNics) {
    report.translated(block);
    for (var tracked : block.block()) {
      switch (block.keyword()) {
        case "track_interface" -> nic(tracked, spec, ownNics);
        case "track_script" -> check(tracked, scripts, spec);
        case "track_process" -> check(tracked, processes, spec);
        case "track_file" -> check(tracked, files, spec);
        default -> session(tracked, spec);
      }
    }
  }

  private void nic(Directive tracked, Fields spec, Set<String> ownNics) {
    var name = tracked.keyword();
    if (ownNics.contains(name)) {
      if (tracked.has("weight")) {
        report.approximated(tracked, "a NIC in use is tracked always, and without weight");
      } else {
        report.translated(tracked, "a NIC in use is tracked always");
      }
      return;
    }
    var nic = new Fields().put("name", name, tracked);
    weigh(nic, tracked);
    if (isFaultWhileUp(nic, tracked)) {
      return;
    }
    var list = spec.list("trackInterfaces", tracked);
    if (list.stream().noneMatch(other -> ((Fields) other.content()).text("name").equals(name))) {
      list.add(new Fields.Value(nic, tracked));
    }
    report.translated(tracked);
  }

  private void check(Directive tracked, Map<String, Directive> blocks, Fields spec) {
    var block = blocks.get(tracked.keyword());
    if (block == null) {
      report.notSupported(tracked, "nothing defines it; keepalived ignores it, too");
      return;
    }
    use(tracked, block);
    if (blocks == files && isAdded(tracked, block)) {
      var why =
          "keepalived adds the number in the file, and a check has none: say weight 0 or less";
      report.notSupported(tracked, why);
      report.notSupported(block, why);
      return;
    }
    report.translated(block);
    report.translated(tracked);
    var checks = checksOf.computeIfAbsent(spec, _ -> new HashSet<>());
    if (!checks.add(block)) {
      return;
    }
    var list = spec.list("healthChecks", tracked);
    var names = new Names();
    list.forEach(other -> names.unique(((Fields) other.content()).text("name")));
    var name = names.unique(tracked.keyword());
    var check = new Fields().put("name", name, tracked);
    if (blocks == scripts) {
      script(block, check);
    } else if (blocks == processes) {
      process(block, check);
    } else {
      file(block, check);
    }
    weigh(check, tracked);
    if (isFaultWhileUp(check, tracked)) {
      report.translated(block);
    } else if (check.get("name") != null) {
      list.add(new Fields.Value(check, tracked));
    } else {
      report.notSupported(tracked, "what it tracks is not supported");
    }
    if (list.isEmpty()) {
      spec.values().remove("healthChecks");
    }
  }

  /** Whether a file's number raises the priority, as it does without a weight, too. */
  private static boolean isAdded(Directive tracked, Directive block) {
    var weights = block.block().stream().filter(one -> one.keyword().equals("weight")).toList();
    var own = weights.isEmpty() ? null : weights.getLast();
    boolean isOwn = tracked.after("weight") == null;
    var text = !isOwn ? tracked.after("weight") : own == null ? "1" : own.argument(1);
    boolean reverse = isOwn ? own != null && own.has("reverse") : tracked.has("reverse");
    return !text.equals("0") && text.startsWith("-") == reverse;
  }

  /**
   * Reverse without a weight is a fault while it is up; without reverse it would be the opposite.
   */
  private boolean isFaultWhileUp(Fields fields, Directive tracked) {
    boolean isFault = fields.get("reverse") != null && fields.get("weight") == null;
    if (isFault) {
      report.notSupported(
          tracked, "reverse without a weight is a fault while it is up, and there is none here");
    }
    return isFault;
  }

  private void script(Directive block, Fields check) {
    Directive script = null;
    var settings = new Fields();
    for (var directive : block.block()) {
      switch (directive.keyword()) {
        case "script" -> script = directive;
        case "interval", "timeout" -> {
          set(settings, directive.keyword(), reading.seconds(directive, 1), directive);
          boolean isInterval = directive.keyword().equals("interval");
          reading.whole(directive, isInterval ? "takes 1 s" : "ignores it");
        }
        case "rise", "fall" ->
            set(settings, directive.keyword(), reading.number(directive, 1, 1, 1000), directive);
        case "weight" -> weigh(settings, directive);
        case "init_fail" -> set(settings, "initial", "Failed", directive);
        default -> Counterparts.SCRIPT.judge(directive, report);
      }
    }
    if (script == null) {
      report.notSupported(block, "has no script; keepalived ignores it, too");
      check.values().clear();
      return;
    }
    commands.into(check, script.argument(1), script, null);
    check.values().putAll(settings.values());
  }

  private void set(Fields fields, String name, Object value, Directive from) {
    if (value != null) {
      fields.put(name, value, from);
      report.translated(from);
    }
  }

  private void process(Directive block, Fields check) {
    boolean weighted = false;
    for (var directive : block.block()) {
      switch (directive.keyword()) {
        case "process" -> {
          check
              .in("process", directive)
              .put("name", Words.baseName(directive.argument(1)), directive);
          if (directive.arguments().size() > 1) {
            report.approximated(directive, "a process is found by its name alone");
          }
          report.translated(directive, "needs hostPID in Kubernetes");
        }
        case "weight" -> {
          weigh(check, directive);
          weighted = true;
        }
        case "quorum" -> {
          if (directive.argument(1).equals("1")) {
            report.translated(directive, "one process is enough always");
          } else {
            report.notSupported(directive, "one process is enough always");
          }
        }
        case "terminate_delay" ->
            report.notSupported(directive, "use fall and retryInterval of the check");
        default -> Counterparts.PROCESS.judge(directive, report);
      }
    }
    if (!weighted) {
      check.put("weight", 1, block);
    }
  }

  private void file(Directive block, Fields check) {
    check.put("weight", 1, block);
    report.approximated(block, "the number in the file is no factor");
    for (var directive : block.block()) {
      if (directive.keyword().equals("file")) {
        var name = check.text("name");
        check
            .in("exec", directive)
            .put(
                "command",
                Commands.list(new Words(List.of(name, directive.argument(1)), true), directive)
                    .content(),
                directive);
        report.approximated(
            directive,
            "write a script %s into the scripts directory that fails while the file's number is not 0"
                .formatted(name));
      } else if (directive.keyword().equals("weight")) {
        weigh(check, directive);
      } else {
        report.notSupported(directive, "the agent writes no such files");
      }
    }
  }

  private void session(Directive tracked, Fields spec) {
    var block = bfd.get(tracked.keyword());
    if (block == null) {
      report.notSupported(tracked, "nothing defines it; keepalived ignores it, too");
      return;
    }
    use(tracked, block);
    var weight = new Fields();
    block.block().stream()
        .filter(directive -> directive.keyword().equals("weight"))
        .forEach(directive -> weigh(weight, directive));
    weigh(weight, tracked);
    report.approximated(block, "there are sessions between the nodes, too");
    if (isFaultWhileUp(weight, tracked)) {
      report.notSupported(block, "what tracks it is not supported");
      return;
    }
    report.translated(tracked);
    var peer = new Fields();
    var fields = spec.in("detection", block).in("bfd", block);
    for (var directive : block.block()) {
      switch (directive.keyword()) {
        case "neighbor_ip", "neighbour_ip" ->
            set(peer, "address", directive.argument(1), directive);
        case "min_tx", "min_rx" -> interval(fields, directive);
        case "multiplier" ->
            set(fields, "multiplier", reading.number(directive, 1, 2, 20), directive);
        case "weight" -> {}
        default -> Counterparts.BFD.judge(directive, report);
      }
    }
    peer.values().putAll(weight.values());
    fields.add("peers", peer, block);
  }

  /** The longer one of both directions and of all sessions. */
  private void interval(Fields fields, Directive directive) {
    var duration = Reading.duration(directive.argument(1));
    if (duration == null) {
      report.notSupported(directive, "expected milliseconds, as in 50");
      return;
    }
    var millis = new BigDecimal(directive.argument(1));
    var former = fields.text("interval");
    if (former == null || new BigDecimal(former.replace("ms", "")).compareTo(millis) < 0) {
      fields.put("interval", millis.stripTrailingZeros().toPlainString() + "ms", directive);
    }
    report.translated(directive);
  }

  /** Sets weight and reverse as the words of a directive say. */
  private void weigh(Fields fields, Directive directive) {
    boolean isOwn = directive.keyword().equals("weight");
    var text = isOwn ? directive.argument(1) : directive.after("weight");
    if (!isOwn && text == null) {
      return;
    }
    var weight = Reading.number(text, -Integer.MAX_VALUE, Integer.MAX_VALUE);
    if (weight == null) {
      report.notSupported(directive, "expected a weight from -253 to 253");
      return;
    }
    int near = Math.clamp(weight, -WEIGHT_MAX, WEIGHT_MAX);
    if (near != weight) {
      report.approximated(directive, "the weight is " + near + ", the farthest from 0 there is");
    }
    fields.values().remove("reverse");
    fields.values().remove("weight");
    fields.put("weight", near == 0 ? null : (Object) near, directive);
    if (directive.has("reverse")) {
      fields.put("reverse", true, directive);
    }
    report.translated(directive);
  }
}
