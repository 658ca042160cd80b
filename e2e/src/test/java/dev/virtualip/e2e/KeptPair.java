package dev.virtualip.e2e;

import dev.virtualip.e2e.ImportBesideKeepalivedIT.Configuration;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Two hosts of a configuration of keepalived, that run it or what was imported from it: {@code
 * eth0} and {@code eth2} have addresses, {@code eth1} has none. They are played through all that
 * may happen to a pair.
 */
final class KeptPair {
  /** The launcher that the build leaves. */
  static final Path VIP = Lab.root().resolve("kubectl-vip/target/kubectl-vip");

  /** Where keepalived's files are, and scripts too. */
  private static final Path FOLDER = Path.of("/etc/keepalived");

  private static final Duration MOVE = Duration.ofSeconds(60);

  /** Time for what follows a notification; after it the states just differ. */
  private static final Duration SETTLE = Duration.ofSeconds(5);

  /**
   * What was seen.
   *
   * @param states what each host had in each state, as text
   * @param told what scripts were told, by host and instance, in order
   */
  record Played(List<String> states, List<String> told) {}

  /** One of the two hosts. */
  private static final class Side {
    final String name;
    final Host host;
    final Nginx nginx;
    final Path broken;
    final Path told;
    Runnable stop = () -> {};

    Side(String name, Host host) {
      this.name = name;
      this.host = host;
      nginx = Nginx.start(host);
      broken = FOLDER.resolve("broken/" + host.mac("eth0"));
      told = FOLDER.resolve("told/" + host.mac("eth0"));
    }

    /** What scripts were told of each instance. */
    TreeMap<String, List<String>> told() {
      try (Stream<String> lines = Files.exists(told) ? Files.lines(told) : Stream.empty()) {
        // Agents tell of a sync group whose members have notifications; keepalived does not unless
        // the group has its own. An own argument of the script comes before those of notify.
        return lines
            .filter(line -> !line.contains("GROUP "))
            .map(KeptPair::named)
            .collect(
                Collectors.groupingBy(
                    line -> line.replaceFirst(".*INSTANCE (\\S+) .*", "$1"),
                    TreeMap::new,
                    Collectors.toList()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void forget() {
      try {
        Files.deleteIfExists(told);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final Lab lab;
  private final Configuration configuration;
  private final Side left;
  private final Side right;

  private KeptPair(Lab lab, Configuration configuration, Side left, Side right) {
    this.lab = lab;
    this.configuration = configuration;
    this.left = left;
    this.right = right;
  }

  /** Builds the hosts, with nginx on both and nothing else. */
  static KeptPair build(Lab lab, Configuration configuration) {
    var inside = lab.wire(configuration + "-inside");
    var open = lab.wire(configuration + "-open");
    var other = lab.wire(configuration + "-other");
    var sides = new ArrayList<Side>();
    for (var name : List.of("left", "right")) {
      int last = name.equals("left") ? 11 : 12;
      var host =
          lab.host(configuration + "-" + name)
              .plug("eth0", inside, "10.0.0." + last + "/24")
              .plug("eth1", open)
              .plug("eth2", other, "10.1.0." + last + "/24");
      sides.add(new Side(name, host));
    }
    return new KeptPair(lab, configuration, sides.get(0), sides.get(1));
  }

  private Path file(Side side) {
    var folder = FOLDER.resolve(configuration.toString());
    var own = folder.resolve(side.name).resolve("keepalived.conf");
    return Files.exists(own) ? own : folder.resolve("keepalived.conf");
  }

  private Path folder() {
    return lab.work().resolve(configuration + "-imported");
  }

  /** What {@code keepalived -t} says on both hosts. */
  List<String> complaints() {
    return Stream.of(left, right)
        .flatMap(
            side ->
                side.host
                    .sh(
                        "keepalived -t --config-id=%s --use-file=%s 2>&1 || true"
                            .formatted(side.name, file(side)))
                    .lines())
        .distinct()
        .toList();
  }

  /** What the import says of each directive. */
  String report() {
    return imported("--all");
  }

  private String imported(String... options) {
    var command = new ArrayList<>(List.of(VIP.toString(), "import"));
    for (var side : List.of(left, right)) {
      command.add("--host=" + side.host + "=" + file(side));
      command.add("--id=" + side.host + "=" + side.name);
    }
    command.addAll(List.of(options));
    return lab.control().run(command.toArray(String[]::new));
  }

  /** Plays the pair with keepalived. */
  Played playWithKeepalived() {
    return play(
        side -> {
          var keepalived = Keepalived.start(side.host, file(side), side.name);
          return keepalived::stop;
        },
        null);
  }

  /** Imports the files, and plays the pair with agents. */
  Played playWithAgents(Played theirs) {
    var manifests = folder().resolve("manifests");
    var secrets = folder().resolve("secrets");
    imported("--output=" + manifests, "--secrets=" + secrets);
    return play(
        side -> {
          var agent = AgentProgram.start(side.host, manifests, secrets, "--scripts=" + FOLDER);
          return agent::stop;
        },
        theirs);
  }

  private Played play(Function<Side, Runnable> program, Played expected) {
    var play = new Play(program, expected);
    try {
      play.run();
    } finally {
      left.stop.run();
      right.stop.run();
    }
    var told = Stream.of(left, right).flatMap(side -> toldInOrder(side).stream()).toList();
    left.forget();
    right.forget();
    return new Played(play.states, told);
  }

  /** Not the order among instances, whose commands do not wait for one another. */
  private static List<String> toldInOrder(Side side) {
    return side.told().values().stream()
        .flatMap(lines -> withoutFirstFaults(lines).stream())
        .map(line -> side.name + ": " + line)
        .toList();
  }

  /**
   * Without faults at a start. With {@code init_fail} an agent tells that it is in Fault until the
   * check has passed; keepalived is so, too, but tells nobody.
   */
  private static List<String> withoutFirstFaults(List<String> lines) {
    var left = new ArrayList<String>();
    var before = " STOP ";
    for (var line : lines) {
      if (!line.contains(" FAULT ") || !before.contains(" STOP ")) {
        left.add(line);
      }
      before = line;
    }
    return left;
  }

  /** A VirtualIP's name is in lower case and without underscores. */
  private static String named(String line) {
    var words = new ArrayList<>(List.of(line.split(" ")));
    int name = words.indexOf("INSTANCE") + 1;
    words.set(name, words.get(name).toLowerCase(Locale.ROOT).replace('_', '-'));
    return String.join(" ", words);
  }

  /** One run through all states. */
  private final class Play {
    private final Function<Side, Runnable> program;
    private final Played expected;
    private final List<String> states = new ArrayList<>();

    Play(Function<Side, Runnable> program, Played expected) {
      this.program = program;
      this.expected = expected;
    }

    void run() {
      record("nothing runs");
      start(left);
      await(left, "MASTER");
      start(right);
      await(right, "BACKUP");
      record("both run");
      left.stop.run();
      left.stop = () -> {};
      await(left, "STOP");
      await(right, "MASTER");
      record("the master has stopped");
      start(left);
      var master = back(left, right);
      record("it is back");
      master = fails("its check", master, this::breakCheck, this::mendCheck);
      master = fails("a NIC", master, side -> pull(side, "eth0"), side -> mend(side, "eth0"));
      var other = other(master);
      other.stop.run();
      await(other, "STOP");
      master.stop.run();
      await(master, "STOP");
      record("both have stopped");
    }

    private Side fails(String what, Side master, Consumer<Side> fail, Consumer<Side> mend) {
      var other = other(master);
      fail.accept(master);
      await(other, "MASTER");
      await(master, what.equals("a NIC") ? "FAULT" : configuration.failed());
      record(what + " has failed");
      mend.accept(master);
      var next = back(master, other);
      record(what + " is well again");
      return next;
    }

    /** Who is back takes over if it is the better one, and if it preempts. */
    private Side back(Side returned, Side other) {
      boolean takesOver = configuration.preempts() && returned == left;
      await(takesOver ? returned : other, "MASTER");
      await(takesOver ? other : returned, "BACKUP");
      return takesOver ? returned : other;
    }

    private Side other(Side side) {
      return side == left ? right : left;
    }

    private void start(Side side) {
      side.stop = program.apply(side);
    }

    private void breakCheck(Side side) {
      if (configuration.tracksNics()) {
        pull(side, "eth1");
        return;
      }
      try {
        Files.writeString(side.broken, "");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      side.nginx.stop();
    }

    private void mendCheck(Side side) {
      if (configuration.tracksNics()) {
        mend(side, "eth1");
        return;
      }
      side.nginx.start();
      try {
        Files.delete(side.broken);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void pull(Side side, String nic) {
      side.host.pullCable(nic);
    }

    private void mend(Side side, String nic) {
      side.host.plugCable(nic);
    }

    private void await(Side side, String state) {
      Await.until(
          "all instances of %s have told %s".formatted(side.host, state),
          MOVE,
          side::told,
          told ->
              told.size() == configuration.instances.size()
                  && told.values().stream()
                      .allMatch(lines -> lines.getLast().contains(" " + state + " ")));
    }

    /** Ours is given time to become as it should: a notification may be early. */
    private void record(String what) {
      var next = expected == null ? null : expected.states().get(states.size());
      var end = System.nanoTime() + SETTLE.toNanos();
      var seen = seen(what);
      while (next != null && !next.equals(seen) && System.nanoTime() - end < 0) {
        seen = seen(what);
      }
      states.add(seen);
    }

    private String seen(String what) {
      return "%s%n%s%s".formatted(what, held(left), held(right));
    }
  }

  /**
   * What a host has, one thing a line. Not what is each program's own on purpose:
   *
   * <ul>
   *   <li>lifetimes of addresses, since ours are leases
   *   <li>labels, which are for ifconfig, and broadcast addresses, of no use to a service
   *   <li>{@code proto}, by which each program knows what is its own
   *   <li>{@code src} of routes: ours end with the address, by their source
   *   <li>{@code scope link} of routes without a gateway, which ours have as those of {@code ip}
   *       do, and keepalived's do not
   * </ul>
   */
  private static String held(Side side) {
    var addresses =
        side.host
            .ip("-o -4 addr show")
            .lines()
            .map(line -> line.replaceFirst("^\\d+: (\\S+) +inet (\\S+) .*", "$2 on $1"));
    var routes =
        side.host
            .ip("-4 route show table all")
            .lines()
            .filter(line -> !line.matches("(local|broadcast) .*"))
            .map(line -> line.replaceAll(" (proto|src) \\S+| scope link| linkdown", "").strip());
    var rules =
        side.host
            .ip("-4 rule show")
            .lines()
            .map(line -> line.replaceAll(" proto \\S+", "").replaceAll("\\s+", " ").strip());
    return Stream.of(addresses, routes, rules)
        .flatMap(lines -> lines.sorted())
        .map(line -> "  " + side.name + ": " + line + "\n")
        .collect(Collectors.joining());
  }
}
