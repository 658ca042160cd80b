package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.KeptPair.Played;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A pair of hosts with keepalived, and then the same pair with agents and what {@code kubectl vip
 * import} has made of the same files: in every state the same master, addresses, routes and rules,
 * and the same notifications in the same order. Each pair has wires of its own, so that all of them
 * play at the same time.
 */
@Tag("long")
@InLab
class ImportBesideKeepalivedIT {
  /** Configurations in the folder keepalived of the resources, by what they do differently. */
  enum Configuration {
    apiserver("KUBE_API"),
    core("devices", "north", "south"),
    gateway("pub_side", "pvt_side"),
    policy("VI_1", "VI_2", "255"),
    resolver("VI_DNS"),
    roles("Office_IPv4"),
    wan("VI_wan"),
    web("web");

    final List<String> instances;

    Configuration(String... instances) {
      this.instances = List.of(instances);
    }

    /** Whether the better one takes over when it is back. */
    boolean preempts() {
      return !List.of(apiserver, policy, wan).contains(this);
    }

    /** What the master becomes when its check fails: the check of this one has a weight. */
    String failed() {
      return this == roles ? "BACKUP" : "FAULT";
    }

    /** This one has no check; a NIC that it tracks fails. */
    boolean tracksNics() {
      return this == core;
    }
  }

  /** The only complaint about these files; a test of kubectl-vip has more. */
  private static final Pattern COMPLAINT =
      Pattern.compile("\\(\\S+\\) Ignoring track_interface (\\S+) since own interface");

  /** Agents are programs of some size, and the machine may have two processors. */
  private static final Semaphore AGENTS = new Semaphore(4);

  private static final Map<Configuration, KeptPair> pairs = new HashMap<>();
  private static final Map<Configuration, CompletableFuture<Played>> theirs = new HashMap<>();
  private static final Map<Configuration, CompletableFuture<Played>> ours = new HashMap<>();

  private static Lab lab;
  private static ExecutorService threads;

  @BeforeAll
  static void play() throws IOException {
    lab = Lab.open();
    threads = Executors.newVirtualThreadPerTaskExecutor();
    lab.control().run("mount", "--bind", files().toString(), "/etc/keepalived");
    for (var configuration : Configuration.values()) {
      pairs.put(configuration, KeptPair.build(lab, configuration));
    }
    for (var configuration : Configuration.values()) {
      var pair = pairs.get(configuration);
      theirs.put(configuration, CompletableFuture.supplyAsync(pair::playWithKeepalived, threads));
    }
    var all = CompletableFuture.allOf(theirs.values().toArray(CompletableFuture[]::new));
    for (var configuration : Configuration.values()) {
      ours.put(configuration, all.handleAsync((_, _) -> playWithAgents(configuration), threads));
    }
  }

  private static Played playWithAgents(Configuration configuration) {
    AGENTS.acquireUninterruptibly();
    try {
      return pairs.get(configuration).playWithAgents(theirs.get(configuration).join());
    } finally {
      AGENTS.release();
    }
  }

  @AfterAll
  static void close() {
    if (lab != null) {
      threads.shutdownNow();
      lab.control().run("umount", "--lazy", "/etc/keepalived");
      lab.close();
    }
  }

  /** The configurations in a folder that scripts find, whoever runs them, and may write in. */
  private static Path files() throws IOException {
    var source = Lab.root().resolve("e2e/src/test/resources/keepalived");
    var folder = Files.createTempDirectory(Path.of("/run/lab"), "keepalived-");
    lab.control().run("cp", "-r", source + "/.", folder.toString());
    for (var name : List.of("told", "broken")) {
      Files.setPosixFilePermissions(
          Files.createDirectories(folder.resolve(name)),
          PosixFilePermissions.fromString("rwxrwxrwx"));
    }
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    return folder;
  }

  @ParameterizedTest
  @EnumSource
  void whatKeepalivedComplainsOfTheImportSaysToo(Configuration configuration) {
    var pair = pairs.get(configuration);
    var report = pair.report();
    for (var complaint : pair.complaints()) {
      var matcher = COMPLAINT.matcher(complaint);
      assertTrue(matcher.matches(), complaint);
      var said = " %s: a NIC in use is tracked always\n".formatted(matcher.group(1));
      assertTrue(report.contains(said), report);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatTheNodesHaveIsTheSameInEveryState(Configuration configuration) {
    var expected = theirs.get(configuration).join();
    var actual = ours.get(configuration).join();
    assertEquals(String.join("\n", expected.states()), String.join("\n", actual.states()));
  }

  @ParameterizedTest
  @EnumSource
  void whatScriptsAreToldIsTheSameInTheSameOrder(Configuration configuration) {
    var expected = theirs.get(configuration).join();
    var actual = ours.get(configuration).join();
    assertEquals(String.join("\n", expected.told()), String.join("\n", actual.told()));
  }
}
