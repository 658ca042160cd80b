package dev.virtualip.agent.instance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * {@code make mutants}: brings bugs into the agent, one at a time, and lets the simulation look for
 * each. It prints a table, and ends with 1 if a bug is not found.
 */
final class Mutants {
  private static final Path SOURCES = Path.of("src/main/java/dev/virtualip/agent");
  private static final long SEEDS = 20_000;
  private static final long MINUTES_MAX = 5;

  private Mutants() {}

  /**
   * A bug.
   *
   * @param name what it does
   * @param file the source that has it, below {@link #SOURCES} of the module
   * @param from what stands there; it has to be there once
   * @param to what stands there instead
   */
  private record Mutant(String name, String file, String from, String to) {
    /** The source with the bug; {@code module} is the agent's folder. */
    String source(Path module) throws IOException {
      var source = Files.readString(module.resolve(SOURCES).resolve(file));
      int at = source.indexOf(from);
      if (at < 0 || source.indexOf(from, at + 1) >= 0) {
        throw new IOException("\"" + name + "\": " + file + " has not once: " + from);
      }
      return source.replace(from, to);
    }
  }

  private static final List<Mutant> MUTANTS =
      List.of(
          new Mutant(
              "D1: what follows a refused effect is done all the same",
              "instance/VrrpInstance.java",
              "node.turn().next(this, () -> refused(refusal, now));\n        return;",
              "refused(refusal, now);"),
          new Mutant(
              "D2: an edit does not forget the NIC that it drops",
              "instance/Faults.java",
              "links.retain(config.nics());",
              "config.nics();"),
          new Mutant(
              "a NIC's debounce never ends",
              "instance/LinkStates.java",
              "now - since >= delay ?",
              "now - since > Long.MAX_VALUE - 1 ?"),
          new Mutant(
              "field case 1: a NIC that came up again is not asked for its routes",
              "instance/NodeMachine.java",
              "mayLose |= instance.mayLose(event);",
              "mayLose |= instance.mayLose(event) && !(event instanceof LinkChanged);"),
          new Mutant(
              "a fault is no reason to send priority 0",
              "vrrp/VirtualRouter.java",
              ": step(stopped, new SendAdvertisement(0), new UnbindAddresses(), changed);",
              ": step(stopped, new UnbindAddresses(), changed);"),
          new Mutant(
              "a hand-over sends no priority 0",
              "vrrp/VirtualRouter.java",
              "        backup,\n        new SendAdvertisement(0),\n        new SendAdvertisement(0),\n        new SendAdvertisement(0),\n        new StateChanged(backup, cause));",
              "        backup,\n        new StateChanged(backup, cause));"),
          new Mutant(
              "a better master is let be first, and the addresses stay",
              "vrrp/VirtualRouter.java",
              "          backup,\n          new UnbindAddresses(),\n          new SendAdvertisement(priority),",
              "          backup,\n          new SendAdvertisement(priority),"),
          new Mutant(
              "a better master is not listened to",
              "vrrp/VirtualRouter.java",
              "if (order > 0) {",
              "if (order > 1_000) {"),
          new Mutant(
              "a lower master gets no answer",
              "vrrp/VirtualRouter.java",
              "List.<Effect>of(new SendAdvertisement(priority), new RenewLeases())",
              "List.<Effect>of(new RenewLeases())"),
          new Mutant(
              "a lower master is yielded to",
              "vrrp/VirtualRouter.java",
              "return byPriority != 0 || source == null\n        ? byPriority",
              "return byPriority != 0 || source == null\n        ? 1"),
          new Mutant(
              "the down interval is 2 adverts long",
              "vrrp/Timers.java",
              "return 3 * interval + skewTime",
              "return 2 * interval + skewTime"),
          new Mutant(
              "the down interval is 4 adverts long",
              "vrrp/Timers.java",
              "return 3 * interval + skewTime",
              "return 4 * interval + skewTime"),
          new Mutant(
              "the down interval has no skew",
              "vrrp/Timers.java",
              "return 3 * interval + skewTime(version, priority, interval);",
              "return 3 * interval;"),
          new Mutant(
              "the skew grows with the priority",
              "vrrp/Timers.java",
              "return (256 - priority) *",
              "return priority *"),
          new Mutant(
              "a resigned master is followed after the whole skew",
              "vrrp/VirtualRouter.java",
              "return exclusive() || yielded",
              "return interval > 0"),
          new Mutant(
              "a resigned master is followed by all backups at once",
              "vrrp/Timers.java",
              "SUCCESSION_MIN + steps * SUCCESSION_STEP",
              "SUCCESSION_MIN"),
          new Mutant(
              "a master that is silent in one virtual router is followed at once in all",
              "vrrp/VirtualRouter.java",
              "long at = backup.activeDownAt() - skewTime(interval) + succession(backup, now);",
              "long at = now + 0 * interval;"),
          new Mutant(
              "exclusive leases: a resigned master is followed within milliseconds",
              "vrrp/VirtualRouter.java",
              "return exclusive() || yielded",
              "return yielded"),
          new Mutant(
              "one that quits serves on with its exclusive lease",
              "vrrp/VirtualRouter.java",
              "if (exclusive() || !(state instanceof Active",
              "if (!(state instanceof Active"),
          new Mutant(
              "leases are never renewed",
              "holding/Holdings.java",
              "return Timers.renewalDue(now - renewedAt, config.router().advertInterval());",
              "return false;"),
          new Mutant(
              "exclusive leases are as long as others",
              "vrrp/Timers.java",
              "if (policy == LeasePolicy.Exclusive) {",
              "if (policy == null) {"),
          new Mutant(
              "a lease is renewed as Backup",
              "vrrp/VirtualRouter.java",
              "    if (advert.priority() >= priority || !mayPreempt()) {\n      return none(with(listenOn(backup, learned(advert), now)));",
              "    if (advert.priority() >= priority || !mayPreempt()) {\n      return new Step(\n          with(listenOn(backup, learned(advert), now)), List.of(new BindAddresses()));"),
          new Mutant(
              "a node that slept goes on as master",
              "vrrp/VirtualRouter.java",
              "return letGo(Reason.of(Kind.LateWakeUp), now);",
              "return step(active.advertising(now + 1), new SendAdvertisement(priority));"),
          new Mutant(
              "exclusive leases: a lower master is not asked to let go first",
              "vrrp/VirtualRouter.java",
              "return exclusive() && state instanceof Backup backup && backup.takeover() == Takeover.Preempted;",
              "return exclusive() && state instanceof Backup backup && backup.takeover() == Takeover.Claimed;"),
          new Mutant(
              "exclusive leases: a master that BFD loses is followed within its lease",
              "vrrp/VirtualRouter.java",
              "!address.equals(backup.master()) || exclusive()) {",
              "!address.equals(backup.master())) {"),
          new Mutant(
              "a member of a sync group that yields leaves the others masters",
              "vrrp/SyncGroup.java",
              "others(member, members).forEach((name, _) -> events.put(name, event));",
              "others(member, Map.of()).forEach((name, _) -> events.put(name, event));"),
          new Mutant(
              "a member of a sync group does not wait for the others",
              "vrrp/SyncGroup.java",
              "members.values().stream().allMatch(SyncGroup::ready)",
              "members.values().stream().anyMatch(SyncGroup::ready)"),
          new Mutant(
              "a fault of a member is none of the others'",
              "instance/SyncGroupMembers.java",
              "if (other == member || !other.faults().hasOwn()) {",
              "if (other == member || other != null) {"),
          new Mutant(
              "what somebody removed is not put back",
              "instance/VrrpInstance.java",
              "step(new HoldingsLost(), now);",
              "LOG.debug(\"lost\");"),
          new Mutant(
              "after lost reports nothing is put back",
              "instance/NodeMachine.java",
              "boolean mayLose = event instanceof Overrun;",
              "boolean mayLose = event == null;"),
          new Mutant(
              "a restarted agent resumes whatever its lease",
              "vrrp/Timers.java",
              "return silenceMax <= 3 * config.advertInterval();",
              "return silenceMax > 0;"),
          new Mutant(
              "what an earlier life left behind stays",
              "instance/NodeMachine.java",
              "if (!earlierLife.isOpen()) {\n      var holders",
              "if (restarts == null) {\n      var holders"),
          new Mutant(
              "a deleted VirtualIP is not released",
              "instance/NodeMachine.java",
              "instance.stop(Reason.of(reason), now);",
              "LOG.debug(\"stop {}\", reason);"),
          new Mutant(
              "an edit takes no address off",
              "holding/Holdings.java",
              "      changes.addAll(gone);\n",
              "      LOG.debug(\"gone {}\", gone);\n"),
          new Mutant(
              "what the kernel did not release stays",
              "instance/NodeMachine.java",
              "was there when it was read.\n      clearLeftOvers();",
              "was there when it was read."),
          new Mutant(
              "a hand-over never lets go",
              "vrrp/VirtualRouter.java",
              "return backup.releaseAt() <= now;",
              "return backup.releaseAt() < 0;"),
          new Mutant(
              "a refused bind is tried again at once, for ever",
              "instance/Faults.java",
              "bindFaultUntil = now + bindRetry;",
              "bindFaultUntil = now;"),
          new Mutant(
              "adverts of a further network are not heard",
              "instance/AdvertTransport.java",
              ".filter(path -> path.link().index() == linkIndex)",
              ".filter(path -> path.link().index() == linkIndex && path.isFirst())"),
          new Mutant(
              "adverts are not sent on a further network",
              "instance/AdvertTransport.java",
              "sent |= from != null && send(",
              "sent |= from != null && path.isFirst() && send("),
          new Mutant(
              "a copy of a resignation counts as another one",
              "instance/Heartbeats.java",
              "if (by.resignations <= resignations) {",
              "if (by.resignations < 0) {"),
          new Mutant(
              "of one route of several VirtualIPs there is one alone",
              "net/AddressPort.java",
              "(to.isIpv6() || Objects.equals(source, other.source))",
              "true"),
          new Mutant(
              "a tie on a further network is never decided",
              "vrrp/VirtualRouter.java",
              "if (ties && !tieCounts(active, advert.path().number(), now)) {",
              "if (ties) {"),
          new Mutant(
              "a master that BFD loses on one network is followed at once",
              "instance/VrrpInstance.java",
              "if (fails && onFirst && !heartbeats.isHeardElsewhere(now)) {",
              "if (fails && onFirst) {"),
          new Mutant(
              "what somebody outside answers for is bound",
              "instance/VrrpInstance.java",
              "if (mayTakeOver(now) && probe.waitIsOver(now)) {",
              "if (mayTakeOver(now) && probe.waitIsOver(now) && !started) {"),
          new Mutant(
              "the answer of a master that is heard counts",
              "instance/AddressProbe.java",
              "    known = true;\n    stop();\n    return news;",
              "    known = true;\n    return news;"),
          new Mutant(
              "an answer counts for ever",
              "instance/AddressProbe.java",
              "answers.values().removeIf(answer -> answer.until() <= now)",
              "answers.values().removeIf(answer -> answer.until() <= 0)"),
          new Mutant(
              "a deadline that has moved is not noted",
              "instance/Turn.java",
              "work.instance().noteDeadlines();",
              ""),
          new Mutant(
              "a lower priority is not preempted",
              "vrrp/VirtualRouter.java",
              "return config.preempt() || priority == VirtualRouterConfig.OWNER;",
              "return priority == VirtualRouterConfig.OWNER;"));

  /** Fails if the text of a bug is not in the sources any more. */
  static void assertFit(Path module) throws IOException {
    for (var mutant : MUTANTS) {
      mutant.source(module);
    }
  }

  /** Looks for all of them; an argument chooses those whose name contains it. */
  public static void main(String[] args) throws IOException, InterruptedException {
    boolean all = true;
    System.out.printf("%-66s %9s %6s  %s%n", "BUG", "SEED", "TIME", "FOUND AS");
    for (var mutant : MUTANTS) {
      if (args.length == 0 || mutant.name().contains(args[0])) {
        all &= isFound(mutant);
      }
    }
    System.exit(all ? 0 : 1);
  }

  private static boolean isFound(Mutant mutant) throws IOException, InterruptedException {
    var folder = Files.createTempDirectory("mutant");
    try {
      compile(mutant, folder);
      long began = System.nanoTime();
      var out = folder.resolve("out");
      var process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-ea",
                  "-XX:+UseParallelGC",
                  "-cp",
                  folder + ":" + System.getProperty("java.class.path"),
                  Simulate.class.getName(),
                  Long.toString(SEEDS),
                  "1")
              .redirectErrorStream(true)
              .redirectOutput(out.toFile())
              .start();
      boolean ended = process.waitFor(MINUTES_MAX, TimeUnit.MINUTES);
      if (!ended) {
        process.destroyForcibly().waitFor();
      }
      var line =
          Files.readAllLines(out).stream()
              .filter(l -> l.startsWith("make simulate"))
              .findFirst()
              .orElse(null);
      long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
      boolean found = line != null || !ended;
      System.out.printf(
          "%-66s %9s %4d s  %s%n",
          mutant.name(),
          line == null ? "" : line.replaceFirst(".*SEED=([0-9]+).*", "$1"),
          seconds,
          line != null ? line.substring(line.indexOf(": ") + 2) : ended ? "NOT FOUND" : "no end");
      return found;
    } finally {
      delete(folder);
    }
  }

  private static void compile(Mutant mutant, Path folder) throws IOException {
    var changed = folder.resolve(Path.of(mutant.file()).getFileName());
    Files.writeString(changed, mutant.source(Path.of("agent")));
    var options =
        List.of("-cp", System.getProperty("java.class.path"), "-d", folder.toString(), "-nowarn");
    var arguments = new ArrayList<>(options);
    arguments.add(changed.toString());
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, arguments.toArray(String[]::new));
    if (code != 0) {
      throw new IOException("\"" + mutant.name() + "\" does not compile");
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
