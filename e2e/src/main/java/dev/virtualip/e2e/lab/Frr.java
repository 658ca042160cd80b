package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** FRR's bfdd or vrrpd on a host, with the zebra that tells it of NICs. */
public final class Frr implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final Host host;
  private final Path folder;
  private final String daemon;
  private final Proc zebra;
  private Proc proc;

  private Frr(Host host, Path folder, String daemon) {
    this.host = host;
    this.folder = folder;
    this.daemon = daemon;
    zebra = start("zebra");
    awaitFile("zserv");
    start();
  }

  /**
   * Starts zebra and bfdd on a host.
   *
   * @param peers the lines below {@code bfd} in bfdd's configuration
   */
  public static Frr start(Host host, String... peers) {
    return start(host, "bfdd", "bfd\n" + String.join("\n", peers) + "\n");
  }

  /**
   * Starts zebra and vrrpd on a host. A virtual router of vrrpd needs a macvlan on its NIC with the
   * virtual MAC and the virtual addresses, which has to be there before.
   *
   * @param config vrrpd's configuration
   */
  public static Frr startVrrpd(Host host, String config) {
    return start(host, "vrrpd", config);
  }

  private static Frr start(Host host, String daemon, String config) {
    try {
      // Both run as user frr, who does not enter the folder of the lab.
      var folder = Files.createTempDirectory(Path.of("/run/lab"), host.name() + "-frr-");
      host.run("chown", "frr:frr", folder.toString());
      Files.writeString(folder.resolve("zebra.conf"), "");
      Files.writeString(folder.resolve(daemon + ".conf"), config);
      return new Frr(host, folder, daemon);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts bfdd or vrrpd again after {@link #kill}. */
  public void start() {
    proc = start(daemon);
    awaitFile(daemon + ".vty");
  }

  /** SIGKILL for bfdd or vrrpd; zebra runs on. */
  public void kill() {
    proc.kill();
  }

  private void awaitFile(String name) {
    Await.until(
        name + " is there", Duration.ofSeconds(30), () -> Files.exists(folder.resolve(name)));
  }

  private Proc start(String daemon) {
    var command =
        new ArrayList<>(
            List.of(
                "/usr/lib/frr/" + daemon,
                "--config_file=" + folder.resolve(daemon + ".conf"),
                "--pid_file=" + folder.resolve(daemon + ".pid"),
                "--socket=" + folder.resolve("zserv"),
                "--vty_socket=" + folder,
                "--vty_port=0",
                "--log=stdout"));
    if (daemon.equals("bfdd")) {
      command.add("--bfdctl=" + folder.resolve("bfdd.sock"));
    }
    return host.start(daemon, command.toArray(String[]::new));
  }

  /**
   * Its session with a peer, as {@code show bfd peers json} has it; missing while there is none.
   */
  public JsonNode peer(String address) {
    try {
      for (var peer : JSON.readTree(vtysh("show bfd peers json"))) {
        if (peer.path("peer").asText().equals(address)) {
          return peer;
        }
      }
      return JSON.missingNode();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON from bfdd of " + host, e);
    }
  }

  /**
   * State of a virtual router of IPv4 at vrrpd: {@code Initialize}, {@code Backup} or {@code
   * Master}; empty while there is none.
   */
  public String vrrpState(int vrid) {
    try {
      for (var router : JSON.readTree(vtysh("show vrrp json"))) {
        if (router.path("vrid").asInt() == vrid) {
          return router.path("v4").path("status").asText();
        }
      }
      return "";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON from vrrpd of " + host, e);
    }
  }

  /** Runs commands of the configuration. */
  public void configure(String... lines) {
    var command = new ArrayList<>(vtysh());
    for (var line : lines) {
      command.addAll(List.of("-c", line));
    }
    host.run(command.toArray(String[]::new));
  }

  private String vtysh(String line) {
    var command = new ArrayList<>(vtysh());
    command.addAll(List.of("-c", line));
    return host.run(command.toArray(String[]::new));
  }

  private List<String> vtysh() {
    return List.of("vtysh", "--vty_socket", folder.toString(), "-d", daemon);
  }

  @Override
  public void close() {
    proc.close();
    zebra.close();
  }
}
