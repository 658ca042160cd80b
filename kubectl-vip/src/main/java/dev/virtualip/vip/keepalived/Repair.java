package dev.virtualip.vip.keepalived;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.vip.keepalived.Fields.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Takes out what the API refuses, so that what is written is valid; the report says so. */
final class Repair {
  private static final Pattern SEGMENT = Pattern.compile("\\[(\\d+)]|[^.\\[]+");
  private static final Pattern OTHER = Pattern.compile("VirtualIP ([a-z0-9-]+)");

  /** Fields without which what they are in means nothing, or something else. */
  private static final Set<String> REQUIRED =
      Set.of(
          "vrid",
          "interface",
          "addresses",
          "address",
          "name",
          "to",
          "from",
          "via",
          "source",
          "table",
          "priority",
          "port",
          "fwmark",
          "protocol",
          "forwarding",
          "realServers",
          "command",
          "host",
          "path",
          "http",
          "tcp",
          "udp",
          "dns",
          "smtp",
          "ping",
          "exec",
          "process");

  private final List<Manifest> manifests;
  private final Report report;

  private Repair(List<Manifest> manifests, Report report) {
    this.manifests = new ArrayList<>(manifests);
    this.report = report;
  }

  /** The manifests that are left. */
  static List<Manifest> repair(List<Manifest> manifests, Report report) {
    var repair = new Repair(manifests, report);
    for (var manifest : manifests) {
      repair.alone(manifest);
    }
    while (repair.together()) {
      continue;
    }
    return List.copyOf(repair.manifests);
  }

  private void alone(Manifest manifest) {
    while (manifests.contains(manifest)) {
      var problem = problem(manifest);
      if (problem == null) {
        return;
      }
      takeOut(manifest, problem);
    }
  }

  private static Problem problem(Manifest manifest) {
    var unread = manifest.parsed().problems();
    if (!unread.isEmpty()) {
      return unread.getFirst().problem();
    }
    var problems = CheckedSpec.check(manifest.object()).problems();
    return problems.isEmpty() ? null : problems.getFirst();
  }

  /**
   * Takes out a conflict of each manifest that has one; returns whether there was any. All of them
   * are with manifests that have none, so none is taken out for another that goes as well.
   */
  private boolean together() {
    var checked = new ArrayList<CheckedSpec.Result>();
    for (var manifest : manifests) {
      var vip = manifest.object();
      // Of two in conflict the older one wins: that is the first one here.
      vip.getMetadata().setCreationTimestamp("%09d".formatted(checked.size()));
      checked.add(CheckedSpec.check(vip));
    }
    boolean any = false;
    var problems = Conflicts.among(checked);
    for (var manifest : List.copyOf(manifests)) {
      var own = problems.getOrDefault(manifest.name(), List.of());
      if (!own.isEmpty()) {
        takeOut(manifest, own.getFirst());
        alone(manifest);
        any = true;
      }
    }
    return any;
  }

  private void takeOut(Manifest manifest, Problem problem) {
    var message = problem.message();
    var segments = SEGMENT.matcher(problem.path()).results().map(MatchResult::group).toList();
    var spec = manifest.router().spec();
    if (segments.size() < 2 || !segments.getFirst().equals("spec")) {
      drop(manifest, problem.path() + " " + message + where(message, null));
      return;
    }
    var root = new Value(spec, manifest.router().instance());
    var culprit = deepest(root, segments.subList(1, segments.size()));
    var gone = takeOut(root, segments.subList(1, segments.size()));
    if (gone == null) {
      drop(manifest, problem.path() + " " + message + where(message, null));
    } else {
      report.notSupported(culprit, message + where(message, gone));
      var left = Collections.newSetFromMap(new IdentityHashMap<Directive, Boolean>());
      left.add(culprit);
      root.sources().forEach(left::add);
      gone.sources()
          .filter(other -> !left.contains(other))
          .forEach(other -> report.notSupported(other, "goes with " + culprit.place()));
    }
  }

  /** The directive of the last value on a path that has one. */
  private static Directive deepest(Value value, List<String> path) {
    var inner = path.isEmpty() ? null : value.inner(path.getFirst());
    var from = inner == null ? null : deepest(inner, path.subList(1, path.size()));
    return from == null ? value.from() : from;
  }

  /** The line of the other VirtualIP that a message names, or of what is the same in it. */
  private String where(String message, Value gone) {
    var other = OTHER.matcher(message);
    if (!other.find()) {
      return "";
    }
    return manifests.stream()
        .filter(manifest -> manifest.name().equals(other.group(1)))
        .findFirst()
        .map(manifest -> " (" + where(manifest.router(), gone) + ")")
        .orElse("");
  }

  private static Place where(Router router, Value gone) {
    return router.spec().values().values().stream()
        .flatMap(value -> value.items().stream())
        .filter(item -> gone != null && item.plain().equals(gone.plain()))
        .findFirst()
        .map(item -> item.from().place())
        .orElse(router.instance().place());
  }

  private void drop(Manifest manifest, String message) {
    manifests.remove(manifest);
    report.notSupported(manifest.router().instance(), "no VirtualIP comes of it: " + message);
  }

  /**
   * Takes out what a path leads to, or the next thing around it that may be absent; null if none.
   */
  private static Value takeOut(Value value, List<String> path) {
    var inner = path.isEmpty() ? null : value.inner(path.getFirst());
    if (inner == null) {
      return null;
    }
    var name = path.getFirst();
    var gone = takeOut(inner, path.subList(1, path.size()));
    if (value.content() instanceof Fields fields) {
      boolean empty = inner.content() instanceof List<?> list && list.isEmpty();
      if (REQUIRED.contains(name) && (gone == null || empty)) {
        return null;
      }
      if (gone == null || empty) {
        fields.values().remove(name);
      }
      return gone == null ? inner : gone;
    }
    return gone != null || !value.items().remove(inner) ? gone : inner;
  }
}
