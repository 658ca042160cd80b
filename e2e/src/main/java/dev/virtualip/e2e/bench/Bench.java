package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code make bench}. Exits with 0 if every move had the expected end, however long it took. The
 * results are written after every move, so that it may be interrupted.
 */
@Command(
    name = "bench",
    description = "Moves virtual addresses by virtualip and by keepalived in turn.",
    mixinStandardHelpOptions = true)
public final class Bench implements Callable<Integer> {
  private static final long SEED = 20_261_124;
  private static final Duration SETTLE = Duration.ofSeconds(10);
  private static final int LOAD_RUNS_MAX = 3;

  /** Planned moves and moves at scale get the number of runs divided by this. */
  private static final int SCALE_PART = 4;

  /** Takeovers after which a program counts as warm. */
  static final int WARM_UP = 5;

  private static final List<String> BESIDE_KEEPALIVED =
      List.of("moves", "mixed", "planned", "scale", "many", "load");
  private static final List<String> PARTS =
      Stream.concat(BESIDE_KEEPALIVED.stream(), Stream.of("footprint", "operator", "edits"))
          .toList();

  private static final List<Setup> CLASSICS =
      List.of(
          Setup.classic(2, 1_000),
          Setup.classic(2, 1_000).withBfd(),
          Setup.classic(2, 1_000).withExclusiveLeases(),
          Setup.classic(3, 100),
          Setup.classic(3, 100).withBfd());
  private static final List<Setup> MIXED = List.of(Setup.classic(2, 1_000), Setup.classic(3, 100));
  private static final List<Setup> PLANNED =
      List.of(
          Setup.classic(2, 1_000),
          Setup.classic(2, 1_000).withExclusiveLeases(),
          Setup.classic(3, 100));
  private static final List<Setup> SCALES =
      List.of(
          Setup.addresses(1),
          Setup.addresses(50),
          Setup.addresses(250),
          Setup.routers(50),
          Setup.routers(250));
  private static final List<Setup> MANY =
      List.of(
          Setup.excluded(200, 1_000),
          Setup.excluded(1_000, 1_000),
          Setup.excluded(200, 100),
          Setup.excluded(1_000, 100));
  private static final List<Move> MANY_MOVES = List.of(Move.STOP, Move.CRASH, Move.NODE_CUT);
  private static final List<Move> SCALE_MOVES = List.of(Move.STOP, Move.NODE_CUT);
  private static final List<Setup> LOADS =
      List.of(Setup.classic(2, 1_000), Setup.addresses(250), Setup.routers(250));

  @Spec private CommandSpec spec;

  @Option(names = "--runs", paramLabel = "N", description = "Runs of each move, 1 or more.")
  private int runs = 20;

  @Option(names = "--out", paramLabel = "DIR", description = "Folder for the results.")
  private Path out;

  @Option(
      names = "--parts",
      split = ",",
      paramLabel = "PART",
      description =
          "Some of: moves, mixed, planned, scale, many, load, footprint, operator, edits. Default: all.")
  private List<String> parts = PARTS;

  @Option(
      names = "--moves",
      split = ",",
      paramLabel = "MOVE",
      description =
          "Some of: stop, crash, hang, nginx, vip-link, heartbeat-link, heartbeat-cut, node-cut.")
  private List<String> moves = List.of(Move.values()).stream().map(Move::key).toList();

  @Option(
      names = "--setups",
      split = ";",
      paramLabel = "SETUP",
      description =
          "Of the part moves, some of: v2, 1 s; v2, 1 s, BFD; v2, 1 s, exclusive; v3, 100 ms;"
              + " v3, 100 ms, BFD. Separated by ; without a space.")
  private List<String> setups = List.of();

  @Option(
      names = "--load-seconds",
      paramLabel = "N",
      description = "How long processor time is counted.")
  private int loadSeconds = 30;

  @Option(
      names = "--edit-seconds",
      paramLabel = "N",
      description = "How long a VirtualIP is edited, and how long agents rest before.")
  private int editSeconds = 60;

  @Option(
      names = "--report",
      split = ",",
      paramLabel = "FILE",
      description = "Measures nothing: prints what is in these bench.json files, as one report.")
  private List<Path> measured = List.of();

  @Option(
      names = "--agent",
      paramLabel = "PATH",
      description = "Launcher of the agent that edits measures. Default: the one just built.")
  private Path agent = AgentProgram.PROGRAM;

  private final Instant started = Instant.now();
  private final List<Sample> samples = new ArrayList<>();
  private final List<Planned> planned = new ArrayList<>();
  private final List<Load> loads = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private Map<String, String> environment = Map.of();
  private List<Footprint.Figures> footprint = List.of();
  private OperatorScale.Figures operator;
  private Edits.Figures edits;
  private Failover failover;

  private Bench() {}

  /** See {@code --help}. */
  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT);
    System.exit(
        new CommandLine(new Bench())
            .setExecutionExceptionHandler(
                (e, commandLine, _) -> {
                  commandLine.getErr().println("bench: " + e.getMessage());
                  return 1;
                })
            .execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (!measured.isEmpty()) {
      for (var file : measured) {
        add(Results.read(file));
      }
      System.out.print(report());
      return 0;
    }
    if (!Lab.available()) {
      System.err.println("bench: it makes network namespaces; run `make bench` as root");
      return 1;
    }
    var chosen = chosenMoves();
    if (out == null) {
      out = Lab.root().resolve("e2e/target/bench");
    }
    Files.createDirectories(out);
    try (var lab = Lab.open()) {
      environment = environment(lab.control());
      environment.forEach((name, value) -> System.out.println(name + ": " + value));
      if (parts.stream().anyMatch(BESIDE_KEEPALIVED::contains)) {
        besideKeepalived(lab, chosen);
      }
    }
    if (parts.contains("footprint")) {
      footprint();
    }
    if (parts.contains("operator")) {
      operatorScale();
    }
    if (parts.contains("edits")) {
      edits();
    }
    var report = report();
    System.out.print(report);
    Results.replace(out.resolve("report.txt"), report);
    System.out.printf("%n%s, bench.svg, report.txt%n", out.resolve("bench.json"));
    return failures.isEmpty() ? 0 : 1;
  }

  private String report() {
    var text = new StringWriter();
    environment.forEach((name, value) -> text.append(name + ": " + value + "\n"));
    new Report(results(), new PrintWriter(text))
        .print(CLASSICS, MIXED, PLANNED, SCALES, MANY, LOADS);
    return text.toString();
  }

  private void add(Results results) {
    environment = results.environment();
    samples.addAll(results.samples());
    planned.addAll(results.planned());
    loads.addAll(results.loads());
    footprint = results.footprint().isEmpty() ? footprint : results.footprint();
    operator = results.operator() == null ? operator : results.operator();
    edits = results.edits() == null ? edits : results.edits();
    failures.addAll(results.failures());
  }

  private void besideKeepalived(Lab lab, List<Move> chosen) {
    try (var opened = new Failover(lab)) {
      failover = opened;
      if (parts.contains("moves")) {
        moves(chosenSetups(), chosen, runs, Contender.ALIKE);
        again();
      }
      if (parts.contains("mixed")) {
        mixed(chosen);
      }
      if (parts.contains("planned")) {
        planned(lab);
      }
      if (parts.contains("scale")) {
        moves(SCALES, SCALE_MOVES, Math.ceilDiv(runs, SCALE_PART), Contender.ALIKE);
      }
      if (parts.contains("many")) {
        int rounds = Math.ceilDiv(runs, SCALE_PART);
        moves(MANY, MANY_MOVES, rounds, Contender.ALIKE);
        failbacks(rounds);
      }
      if (parts.contains("load")) {
        loads();
      }
    }
  }

  private void footprint() {
    try (var lab = Lab.open()) {
      footprint = Footprint.measure(lab, Duration.ofSeconds(loadSeconds), this::say);
    } catch (AssertionError | RuntimeException e) {
      failed("the footprint", e);
    }
    write();
  }

  private void operatorScale() {
    if (!ApiServer.realAvailable()) {
      say("SKIPPED: the operator; set KUBEBUILDER_ASSETS to a folder with a real API server");
      return;
    }
    try (var lab = Lab.open()) {
      operator = OperatorScale.measure(lab, this::say);
    } catch (AssertionError | RuntimeException e) {
      failed("the operator", e);
    }
    write();
  }

  private void edits() {
    try (var lab = Lab.open()) {
      edits = Edits.measure(lab, agent, Duration.ofSeconds(editSeconds), this::say);
    } catch (AssertionError | RuntimeException e) {
      failed("edits", e);
    }
    write();
  }

  private List<Move> chosenMoves() {
    var known = List.of(Move.values()).stream().map(Move::key).toList();
    if (!known.containsAll(moves)) {
      throw new ParameterException(spec.commandLine(), "--moves: use some of " + known);
    }
    var names = CLASSICS.stream().map(Setup::name).toList();
    if (!names.containsAll(setups)) {
      throw new ParameterException(spec.commandLine(), "--setups: use some of " + names);
    }
    if (!PARTS.containsAll(parts)) {
      throw new ParameterException(spec.commandLine(), "--parts: use some of " + PARTS);
    }
    if (runs < 1 || loadSeconds < 1 || editSeconds < 1) {
      throw new ParameterException(
          spec.commandLine(), "--runs, --load-seconds, --edit-seconds: 1 or more");
    }
    if (!Files.isExecutable(agent)) {
      throw new ParameterException(spec.commandLine(), "--agent: no program: " + agent);
    }
    agent = agent.toAbsolutePath();
    return List.of(Move.values()).stream().filter(move -> moves.contains(move.key())).toList();
  }

  /**
   * Plays the moves in rounds, so that a drift of the machine affects all moves alike. The
   * contender that begins alternates.
   */
  private void moves(
      List<Setup> setups, List<Move> chosen, int rounds, List<Contender> contenders) {
    for (var round = 1; round <= rounds; round++) {
      for (var setup : setups) {
        for (var move : chosen) {
          var phase = phase(setup, move, round, rounds);
          for (var contender : inTurn(contenders, round)) {
            move(setup, contender, move, round, phase);
          }
        }
      }
      failover.renew();
    }
  }

  /** One program on each node. They are compared with two keepalived of the same rounds. */
  private void mixed(List<Move> chosen) {
    var contenders = new ArrayList<>(Contender.MIXED);
    if (!parts.contains("moves")) {
      contenders.add(Contender.KEEPALIVED);
    }
    moves(MIXED, chosen, Math.ceilDiv(runs, SCALE_PART), contenders);
  }

  /** What our program needs for a takeover when it has done the same before. */
  private void again() {
    try {
      samples.addAll(failover.playAgain(chosenSetups().getFirst(), runs + WARM_UP));
    } catch (AssertionError | RuntimeException e) {
      failed("takeovers again", e);
    }
    failover.renew();
    write();
  }

  private List<Setup> chosenSetups() {
    return CLASSICS.stream()
        .filter(setup -> setups.isEmpty() || setups.contains(setup.name()))
        .toList();
  }

  private void failbacks(int rounds) {
    for (var round = 1; round <= rounds; round++) {
      for (var setup : MANY) {
        // No other move of these setups has this phase in its round.
        var phase = phase(setup, Move.NGINX, round, rounds);
        for (var contender : inTurn(Contender.ALIKE, round)) {
          int run = round;
          measure(
              setup,
              contender,
              Failover.FAILBACK,
              run,
              () -> failover.playBack(setup, contender, run, phase));
        }
      }
      failover.renew();
    }
  }

  private static List<Contender> inTurn(List<Contender> contenders, int round) {
    var order = new ArrayList<>(contenders);
    if (round % 2 == 0) {
      Collections.reverse(order);
    }
    return order;
  }

  /**
   * The phase of a move in a round. The range of phases is divided into as many equal parts as
   * there are rounds, and both contenders get the same phase.
   */
  private static Duration phase(Setup setup, Move move, int round, int rounds) {
    var random = new Random(SEED + 31L * setup.name().hashCode() + move.ordinal());
    var order = new ArrayList<>(IntStream.range(0, rounds).boxed().toList());
    Collections.shuffle(order, random);
    var within = random.doubles(rounds).toArray();
    double part = (order.get(round - 1) + within[round - 1]) / rounds;
    return Duration.ofNanos((long) (part * Failover.PHASES.toNanos()));
  }

  private void move(Setup setup, Contender contender, Move move, int round, Duration phase) {
    measure(
        setup,
        contender,
        move.toString(),
        round,
        () -> failover.play(setup, contender, move, round, phase));
  }

  private void measure(
      Setup setup, Contender contender, String move, int round, Supplier<Sample> play) {
    try {
      var sample = play.get();
      samples.add(sample);
      say(
          "run %d  %s, %s: %s without service for %.0f ms, two owners %.0f%s ms, none %.0f ms",
          round,
          setup.name(),
          move,
          contender,
          sample.outage(),
          sample.twoOwners(),
          sample.twoOwnersAtEnd() ? "+" : "",
          sample.noOwner());
    } catch (AssertionError | RuntimeException e) {
      failed("%s, %s, %s, run %d".formatted(setup.name(), move, contender, round), e);
    }
    write();
  }

  /** Each run takes a minute. */
  private void planned(Lab lab) {
    if (!ApiServer.realAvailable()) {
      say("SKIPPED: planned moves; set KUBEBUILDER_ASSETS to a folder with a real API server");
      return;
    }
    int rounds = Math.ceilDiv(runs, SCALE_PART);
    try (var moves = new PlannedMoves(lab, failover, this::planned)) {
      for (var round = 1; round <= rounds; round++) {
        for (var setup : PLANNED) {
          planned(moves, setup, round, phase(setup, Move.STOP, round, rounds));
        }
        failover.renew();
      }
    } catch (AssertionError | RuntimeException e) {
      failed("planned moves", e);
    }
    write();
  }

  private void planned(PlannedMoves moves, Setup setup, int round, Duration phase) {
    try {
      moves.play(setup, round, phase);
    } catch (AssertionError | RuntimeException e) {
      failed("%s, planned, run %d".formatted(setup.name(), round), e);
    }
  }

  private void planned(Planned move) {
    planned.add(move);
    say(
        "run %d  %s, %s: without service for %.0f ms, two owners %.0f ms, none %.0f ms",
        move.run(), move.setup(), move.move(), move.outage(), move.twoOwners(), move.noOwner());
    write();
  }

  private void loads() {
    for (var round = 1; round <= Math.min(runs, LOAD_RUNS_MAX); round++) {
      for (var setup : LOADS) {
        for (var contender : inTurn(Contender.ALIKE, round)) {
          load(setup, contender, round);
        }
      }
    }
  }

  private void load(Setup setup, Contender contender, int round) {
    try {
      var load = restingLoad(setup, contender, round);
      loads.add(load);
      say(
          "run %d  %s: %s uses %.2f %% and %.2f %% of a core, %.0f and %.0f MiB",
          round,
          setup.name(),
          contender,
          load.masterCpu(),
          load.backupCpu(),
          load.masterMib(),
          load.backupMib());
    } catch (AssertionError | RuntimeException e) {
      failed("%s, at rest, %s, run %d".formatted(setup.name(), contender, round), e);
    }
    write();
  }

  private Load restingLoad(Setup setup, Contender contender, int round) {
    var running = failover.start(setup, contender);
    try {
      // Without a client, which would use processor time too.
      failover.renew();
      Failover.sleep(SETTLE);
      return Load.of(setup, contender, round, running, Duration.ofSeconds(loadSeconds));
    } finally {
      failover.end(running, setup);
    }
  }

  private void failed(String what, Throwable e) {
    failures.add(what + ": " + e.getMessage());
    say("FAILED: %s: %s", what, e.getMessage());
  }

  private Results results() {
    return new Results(environment, samples, planned, loads, footprint, operator, edits, failures);
  }

  private void write() {
    results().write(out.resolve("bench.json"));
    try {
      Results.replace(out.resolve("bench.svg"), new Plot(results()).svg(CLASSICS, SCALES));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void say(String format, Object... values) {
    say(format.formatted(values));
  }

  private void say(String text) {
    double seconds = Duration.between(started, Instant.now()).toMillis() / 1000.0;
    System.out.printf("%8.2f s  %s%n", seconds, text);
  }

  private static Map<String, String> environment(Host control) {
    var all = new LinkedHashMap<String, String>();
    all.put("date", Instant.now().toString());
    all.put("kernel", System.getProperty("os.version"));
    all.put("processor", control.sh("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1"));
    all.put("cores", Integer.toString(Runtime.getRuntime().availableProcessors()));
    all.put("java", System.getProperty("java.runtime.version"));
    all.put("keepalived", control.sh("keepalived --version 2>&1 | head -1"));
    all.put(
        "virtualip", control.sh("cd '%s'; git describe --always --dirty".formatted(Lab.root())));
    all.replaceAll((_, value) -> value.strip());
    return all;
  }
}
