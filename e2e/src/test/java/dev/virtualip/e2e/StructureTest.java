package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Reads the syntax trees of all modules and holds them to the rules that keep the design what it
 * is. What breaks a rule today is listed by name; the lists may only get shorter.
 */
class StructureTest {
  private static final int METHOD_LINES_MAX = 70;

  /** Which package may use which: only those above its own line, so that there is no cycle. */
  private static final String ARROWS =
      """
      log:
      memory:
      kube: log
      crds.values:
      crds.schema: crds.values
      crds.check: crds.schema crds.values
      crds.manifest: crds.check crds.schema
      agent.vrrp:
      agent.bfd:
      agent.exec:
      agent.source: crds.check crds.manifest crds.schema log
      agent.net: agent.vrrp crds.values
      agent.linux: agent.bfd agent.net agent.vrrp crds.values log
      agent.plan: agent.bfd agent.net agent.source agent.vrrp crds.check crds.schema crds.values
      agent.lvs: agent.net agent.plan
      agent.disk: agent.net agent.source agent.vrrp crds.check crds.schema
      agent.check: agent.disk agent.exec agent.vrrp crds.schema crds.values log
      agent.metrics: agent.bfd agent.net crds.schema crds.values
      agent.notify: agent.exec agent.vrrp crds.check crds.schema crds.values log
      agent.client: crds.values kube log
      agent.kube: agent.check agent.client agent.source crds.check crds.manifest crds.schema kube log
      agent.holding: agent.net agent.plan agent.vrrp crds.values
      agent.instance: agent.bfd agent.check agent.disk agent.holding agent.lvs agent.metrics agent.net agent.plan \
      agent.vrrp crds.check crds.schema crds.values
      agent.loop: agent.bfd agent.disk agent.instance agent.net agent.plan agent.source agent.vrrp \
      crds.schema log
      agent.report: agent.linux crds.schema log
      agent.cli: agent.client agent.exec agent.kube agent.linux agent.net crds.check crds.manifest crds.schema
      agent.train: agent.check agent.instance agent.linux agent.metrics agent.net agent.plan \
      agent.source agent.vrrp crds.manifest crds.schema crds.values log
      agent: agent.check agent.cli agent.client agent.disk agent.instance agent.kube agent.linux agent.loop \
      agent.metrics agent.net agent.notify agent.plan agent.report agent.source agent.train agent.vrrp \
      crds.schema kube log memory
      operator.watch: crds.check crds.schema
      operator.decide: crds.check crds.schema crds.values operator.watch
      operator.act: crds.schema kube log operator.decide operator.watch
      operator: crds.schema crds.values kube log memory operator.act operator.decide operator.watch
      vip.keepalived: crds.check crds.manifest crds.schema crds.values
      vip.tell: crds.check crds.schema crds.values
      vip: crds.check crds.manifest crds.schema crds.values kube log vip.keepalived vip.tell
      e2e.lab:
      e2e: crds.schema e2e.lab
      e2e.bench: crds.schema e2e e2e.lab kube
      """;

  /** Who may ask what time it is, and why; {@code *} is a whole package. All others are told. */
  private static final String CLOCKS =
      """
      the edge, that hands clocks in: agent.Agent agent.cli.MirrorCommand agent.train.WarmUp
      threads that wait for a time: agent.Shutdown agent.loop.EgressLoop agent.loop.FileRecorder agent.check.CheckLoop \
      agent.client.ApiServer agent.client.Informer agent.exec.ScriptCommand agent.kube.NamedSecrets agent.kube.StatusReporter agent.notify.Lane agent.notify.Notifier \
      kube.EventWriter
      times for the API server: agent.kube.Heartbeat
      ages of files: agent.source.ManifestSource
      ages and dates for people, and what a drill measures: vip.Connection vip.Probe
      the lab measures: e2e.Narration e2e.Scenario e2e.bench.* e2e.lab.*
      the thread's clock: agent.loop.BfdLoop agent.loop.VirtualRouterLoop
      until its pass is told the time: operator.VirtualIpOperator
      """;

  /** Tests that sleep, and why. */
  private static final String SLEEPERS =
      """
      the claim is that nothing happens: e2e.FaultsIT e2e.Ipv6IT
      the kernel is asked again: e2e.NetlinkIT e2e.NetlinkIpv6IT
      """;

  private static final Pattern CLOCK =
      Pattern.compile(
          "System\\.(nanoTime|currentTimeMillis)|Clock\\.(system|tick)\\w*"
              + "|(Instant|Local\\w*|Zoned\\w*|Offset\\w*)\\.now");

  private static final Pattern IMPURE =
      Pattern.compile(
          "System|System\\..*|Thread|Thread\\..*|Files|Files\\..*|\\w*Socket\\w*|NetworkInterface"
              + "|LoggerFactory\\..*|Random|Instant\\.now|java\\.util\\.concurrent.*"
              + "|java\\.(net|nio)\\..*(Socket|Channel|NetworkInterface).*|java\\.nio\\.file.*");

  private static List<Source> main;
  private static List<Source> test;

  @BeforeAll
  static void read() throws IOException {
    main = Source.all("main");
    test = Source.all("test");
  }

  /** Lines {@code key: words}, the keys in their order. */
  private static Map<String, Set<String>> table(String text) {
    var table = new LinkedHashMap<String, Set<String>>();
    for (var line : text.lines().toList()) {
      var parts = line.split(":", 2);
      var words = parts[1].isBlank() ? List.<String>of() : List.of(parts[1].strip().split(" +"));
      table.put(parts[0], new TreeSet<>(words));
    }
    return table;
  }

  private static Set<String> words(String text) {
    return table(text).values().stream().flatMap(Set::stream).collect(Collectors.toSet());
  }

  private static void assertNone(List<String> problems) {
    assertEquals("", problems.stream().distinct().collect(Collectors.joining("\n")));
  }

  @Test
  void arrowsRunDownwards() {
    var problems = new ArrayList<String>();
    var above = new TreeSet<String>();
    table(ARROWS)
        .forEach(
            (room, uses) -> {
              uses.stream()
                  .filter(used -> !above.contains(used))
                  .map(used -> "ARROWS: %s uses %s, which is not above it".formatted(room, used))
                  .forEach(problems::add);
              above.add(room);
            });
    assertNone(problems);
  }

  @Test
  void packagesUseWhatTheTableSays() {
    var problems = new ArrayList<String>();
    var table = table(ARROWS);
    var unused = new HashMap<String, Set<String>>();
    table.forEach((room, uses) -> unused.put(room, new TreeSet<>(uses)));
    for (var source : main) {
      if (!table.containsKey(source.room())) {
        problems.add(source.problem(1, source.room() + " has no line in ARROWS: add it"));
        continue;
      }
      for (var name : source.names()) {
        var used = Source.room(name.text());
        unused.get(source.room()).remove(used);
        if (!used.isEmpty()
            && !used.equals(source.room())
            && !table.get(source.room()).contains(used)) {
          var fix = "%s uses %s: move what is used below it, or add it to its line in ARROWS";
          problems.add(source.problem(name.line(), fix.formatted(source.room(), used)));
        }
      }
    }
    unused.forEach(
        (room, uses) ->
            uses.forEach(
                used ->
                    problems.add("ARROWS: %s uses %s no more: delete it".formatted(room, used))));
    assertNone(problems);
  }

  @Test
  void onlyTheseAskForTheTime() {
    assertListed(main, CLOCK, "CLOCKS", CLOCKS, "be told the time, as a parameter or a supplier");
  }

  @Test
  void testsWaitForWhatHappensAndNeverSleep() {
    assertListed(
        test, Pattern.compile("Thread\\.sleep"), "SLEEPERS", SLEEPERS, "wait for what it is about");
  }

  /** Only the classes of a list use a name, and all of these do. */
  private static void assertListed(
      List<Source> sources, Pattern names, String list, String allowed, String fix) {
    var problems = new ArrayList<String>();
    var unused = new TreeSet<>(words(allowed));
    for (var source : sources) {
      for (var name : source.names()) {
        if (names.matcher(name.text()).matches()) {
          unused.remove(source.id());
          unused.remove(source.room() + ".*");
          if (!isIn(words(allowed), source)) {
            problems.add(source.problem(name.line(), name.text() + " is not for it: " + fix));
          }
        }
      }
    }
    unused.forEach(id -> problems.add(list + ": " + id + " does so no more: delete it"));
    assertNone(problems);
  }

  private static boolean isIn(Set<String> list, Source source) {
    return list.contains(source.id()) || list.contains(source.room() + ".*");
  }

  @Test
  void methodsFitAScreen() {
    var problems = new ArrayList<String>();
    for (var source : main) {
      for (var method : source.methods()) {
        var id = source.id() + "." + method.name();
        if (method.lines() > METHOD_LINES_MAX) {
          var text = "%s has %d lines: split it, %d fit a screen";
          problems.add(
              source.problem(method.line(), text.formatted(id, method.lines(), METHOD_LINES_MAX)));
        }
      }
    }
    assertNone(problems);
  }

  @Test
  void onlyNetlinkCallsForeignFunctions() {
    var problems = new ArrayList<String>();
    for (var source : main) {
      source.names().stream()
          .filter(name -> name.text().startsWith("java.lang.foreign"))
          .filter(_ -> !source.room().equals("agent.linux"))
          .map(name -> source.problem(name.line(), "foreign functions are for agent.linux alone"))
          .forEach(problems::add);
    }
    assertNone(problems);
  }

  @Test
  void theProtocolUsesNothingButJavaAndItself() {
    var problems = new ArrayList<String>();
    for (var source : main) {
      if (!Set.of("agent.vrrp", "agent.bfd").contains(source.room())) {
        continue;
      }
      for (var name : source.names()) {
        var text = name.text();
        boolean foreign =
            text.matches("[a-z]\\w*(\\.[a-z]\\w*)+\\.[A-Z*].*")
                && !text.startsWith("java.")
                && !text.startsWith("javax.crypto.")
                && !Source.room(text).equals(source.room());
        if (foreign || IMPURE.matcher(text).matches()) {
          var why = text + ": the protocol has no clock, thread, file or socket, and no library";
          problems.add(source.problem(name.line(), why));
        }
      }
    }
    assertNone(problems);
  }

  /** The size of the house, as numbers that are to fall. */
  @Test
  void theRoomsOfThePrograms() {
    for (var program : List.of("agent", "operator")) {
      var rooms = Rooms.of(program, main);
      System.out.println(program + ": " + rooms + " " + rooms.upwards());
    }
  }
}
