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

/** FRR's bfdd on a host, with the zebra that tells it of NICs. */
public final class Frr implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final Host host;
  private final Path folder;
  private final Proc zebra;
  private final Proc bfdd;

  private Frr(Host host, Path folder) {
    this.host = host;
    this.folder = folder;
    zebra = start("zebra");
    Await.until(
        "zebra listens", Duration.ofSeconds(30), () -> Files.exists(folder.resolve("zserv")));
    bfdd = start("bfdd");
    Await.until(
        "bfdd listens", Duration.ofSeconds(30), () -> Files.exists(folder.resolve("bfdd.vty")));
  }

  /**
   * Starts both on a host.
   *
   * @param peers the lines below {@code bfd} in bfdd's configuration
   */
  public static Frr start(Host host, String... peers) {
    try {
      // Both run as user frr, who does not enter the folder of the lab.
      var folder = Files.createTempDirectory(Path.of("/run/lab"), host.name() + "-frr-");
      host.run("chown", "frr:frr", folder.toString());
      Files.writeString(folder.resolve("zebra.conf"), "");
      Files.writeString(folder.resolve("bfdd.conf"), "bfd\n" + String.join("\n", peers) + "\n");
      return new Frr(host, folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
    return List.of("vtysh", "--vty_socket", folder.toString(), "-d", "bfdd");
  }

  @Override
  public void close() {
    bfdd.close();
    zebra.close();
  }
}
