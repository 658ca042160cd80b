package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A keepalived on a host, in the foreground, with a given configuration. */
public final class Keepalived implements AutoCloseable {
  /** The one that is installed, unless the environment variable of this name has another path. */
  public static final String PROGRAM =
      Objects.requireNonNullElse(System.getenv("KEEPALIVED"), "keepalived");

  /**
   * One vrrp_instance, as in the usual nginx + keepalived set-up. Lists may be empty; {@code
   * password} and {@code trackScript} may be null.
   *
   * @param interfaceName NIC that carries the adverts
   * @param version 2 or 3
   * @param advertInt keepalived's advert_int, seconds, with decimals in version 3
   * @param password auth_type PASS, at most 8 characters
   * @param addresses lines of virtual_ipaddress: {@code 203.0.113.10/24 dev eth1}
   * @param routes lines of virtual_routes: {@code default via 203.0.113.1 dev eth1}
   * @param trackScript command of a check that runs every second; its failure is a fault
   * @param options more lines of the instance, such as {@code nopreempt}
   */
  public record Instance(
      String name,
      String interfaceName,
      int virtualRouterId,
      int priority,
      int version,
      String advertInt,
      String password,
      List<String> addresses,
      List<String> routes,
      String trackScript,
      List<String> options) {

    /** The whole configuration file with this one instance. */
    public String config() {
      StringBuilder text = new StringBuilder();
      text.append("global_defs {\n  router_id %s\n  script_user root\n".formatted(name));
      text.append("  vrrp_version %d\n}\n".formatted(version));
      if (trackScript != null) {
        text.append("vrrp_script check {\n  script \"%s\"\n  interval 1\n".formatted(trackScript));
        text.append("  timeout 1\n  rise 1\n  fall 1\n}\n");
      }
      return text.append(block()).toString();
    }

    /** The vrrp_instance alone, to append to the {@link #config} of another instance. */
    public String block() {
      StringBuilder text = new StringBuilder();
      text.append("vrrp_instance %s {\n  state BACKUP\n".formatted(name));
      text.append("  interface %s\n".formatted(interfaceName));
      text.append("  virtual_router_id %d\n  priority %d\n".formatted(virtualRouterId, priority));
      text.append("  advert_int %s\n".formatted(advertInt));
      if (password != null) {
        text.append(
            "  authentication {\n    auth_type PASS\n    auth_pass %s\n  }\n".formatted(password));
      }
      block(text, "virtual_ipaddress", addresses);
      block(text, "virtual_routes", routes);
      block(text, "track_script", trackScript == null ? List.of() : List.of("check"));
      options.forEach(line -> text.append("  ").append(line).append('\n'));
      return text.append("}\n").toString();
    }

    private static void block(StringBuilder text, String keyword, List<String> lines) {
      if (!lines.isEmpty()) {
        text.append("  %s {\n    %s\n  }\n".formatted(keyword, String.join("\n    ", lines)));
      }
    }
  }

  private final String program;
  private final Host host;
  private final Path folder;
  private final Path file;

  /**
   * The part of it that runs: {@code --vrrp}, {@code --check} for virtual servers, or an option
   * that means nothing for all that are configured.
   */
  private final List<String> options;

  private Proc proc;

  private Keepalived(String program, Host host, Path folder, Path file, List<String> options) {
    this.program = program;
    this.host = host;
    this.folder = folder;
    this.file = file;
    this.options = options;
  }

  /** Starts keepalived on a host; returns at once. Its log is the output of {@link #proc}. */
  public static Keepalived start(Host host, String config) {
    return start(PROGRAM, host, config);
  }

  /** The same with another program, such as a newer one. */
  public static Keepalived start(String program, Host host, String config) {
    return start(program, host, config, "--vrrp");
  }

  /** The same with its BFD beside, of which the configuration has a {@code bfd_instance}. */
  public static Keepalived startWithBfd(Host host, String config) {
    return start(PROGRAM, host, config, "--log-detail");
  }

  /** The same with virtual servers alone, which it has at once and without an address. */
  public static Keepalived startBalancing(Host host, String config) {
    return start(PROGRAM, host, config, "--check");
  }

  /**
   * Starts it with a configuration file as it stands, with what that includes.
   *
   * @param configId what its lines with {@code @} are compared to
   */
  public static Keepalived start(Host host, Path file, String configId) {
    var options = List.of("--vrrp", "--config-id=" + configId);
    return start(PROGRAM, host, folder(host), file, options);
  }

  private static Keepalived start(String program, Host host, String config, String half) {
    Path folder = folder(host);
    try {
      Path file = Files.writeString(folder.resolve("keepalived.conf"), config);
      return start(program, host, folder, file, List.of(half));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Keepalived start(
      String program, Host host, Path folder, Path file, List<String> options) {
    Keepalived keepalived = new Keepalived(program, host, folder, file, options);
    keepalived.start();
    return keepalived;
  }

  private static Path folder(Host host) {
    try {
      return Files.createTempDirectory(host.lab().work(), host.name() + "-keepalived-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts it again after {@link #stop} or {@link #kill}. */
  public void start() {
    // After a kill the pid in the file may by now be that of another program.
    host.run(
        "rm",
        "-f",
        folder + "/main.pid",
        folder + "/vrrp.pid",
        folder + "/check.pid",
        folder + "/bfd.pid");
    var command =
        new ArrayList<>(
            List.of(
                program,
                "--dont-fork",
                "--log-console",
                "--log-detail",
                "--use-file=" + file,
                "--pid=" + folder + "/main.pid",
                "--vrrp_pid=" + folder + "/vrrp.pid",
                "--bfd_pid=" + folder + "/bfd.pid",
                "--checkers_pid=" + folder + "/check.pid"));
    command.addAll(options);
    proc = host.start("keepalived", command.toArray(String[]::new));
  }

  /** Switches to another configuration without a restart. */
  public void reload(String config) {
    try {
      Files.writeString(file, config);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // Only to the leader, which passes it on to its children.
    host.run("kill", "-s", "HUP", Long.toString(proc.pid()));
  }

  /** SIGTERM: it sends priority 0 and releases its addresses. */
  public void stop() {
    proc.stop();
  }

  /** SIGKILL for both its processes: the addresses stay where they are. */
  public void kill() {
    proc.kill();
  }

  /** The running program, to signal or to read the log of. */
  public Proc proc() {
    return proc;
  }

  @Override
  public void close() {
    proc.close();
  }
}
