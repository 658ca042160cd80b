package dev.virtualip.e2e.lab;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Our agent on a host, with its manifests and secrets in a folder unless it has an API server. */
public final class AgentProgram implements AutoCloseable {
  /** The launcher that the build leaves. */
  public static final Path PROGRAM = Lab.root().resolve("agent/target/virtualip-agent");

  private static final JsonMapper JSON = new JsonMapper();

  private final Host host;
  private final Path manifests;
  private final Path secrets;
  private final Path state;
  private final List<String> options;
  private List<String> source;
  private Proc proc;

  private AgentProgram(Host host, Path manifests, Path secrets, Path state, List<String> options) {
    this.host = host;
    this.options = options;
    this.manifests = manifests;
    this.secrets = secrets;
    this.state = state;
    source = List.of("--manifests=" + manifests, "--secrets=" + secrets);
  }

  /**
   * Starts the agent; returns at once. Its log is the output of {@link #proc}.
   *
   * @param manifest a VirtualIP as YAML
   * @param passwords password by {@code SECRET-NAME/KEY}
   * @param options further options of {@code run}
   */
  public static AgentProgram start(
      Host host, String manifest, Map<String, String> passwords, String... options) {
    try {
      var agent = of(host, options);
      passwords.forEach(agent::secret);
      agent.apply("virtualip.yaml", manifest);
      agent.start();
      return agent;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Starts the agent with folders as they are; returns at once.
   *
   * @param options further options of {@code run}
   */
  public static AgentProgram start(Host host, Path manifests, Path secrets, String... options) {
    try {
      var state = Files.createDirectories(folder(host).resolve("state"));
      var agent = new AgentProgram(host, manifests, secrets, state, List.of(options));
      agent.start();
      return agent;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts the agent with all that it runs from an API server; returns at once. */
  public static AgentProgram start(Host host, ApiServer api) {
    try {
      var agent = of(host);
      agent.source = List.of("--kubeconfig=" + api.kubeconfig());
      agent.start();
      return agent;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static AgentProgram of(Host host, String... options) throws IOException {
    var folder = folder(host);
    return new AgentProgram(
        host,
        Files.createDirectories(folder.resolve("manifests")),
        Files.createDirectories(folder.resolve("secrets")),
        Files.createDirectories(folder.resolve("state")),
        List.of(options));
  }

  private static Path folder(Host host) throws IOException {
    return Files.createTempDirectory(host.lab().work(), host.name() + "-agent-");
  }

  /** Writes or replaces a manifest; the running agent follows. */
  public void apply(String file, String manifest) {
    try {
      var next = Files.writeString(manifests.resolve("." + file + ".next"), manifest);
      Files.move(next, manifests.resolve(file), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a secret, named {@code SECRET-NAME/KEY}; the running agent follows. */
  public void secret(String name, String value) {
    try {
      var file = secrets.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Removes a manifest; the running agent follows. */
  public void delete(String file) {
    try {
      Files.delete(manifests.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Folder of its state. */
  public Path stateFolder() {
    return state;
  }

  /** Starts it again after {@link #stop} or {@link #kill}. */
  public void start() {
    start(Map.of());
  }

  /** The same with additional environment variables. */
  public void start(Map<String, String> environment) {
    var command = new ArrayList<String>();
    command.add(PROGRAM.toString());
    command.addAll(List.of("run", "--node=" + host.name(), "--state-dir=" + state));
    command.addAll(source);
    command.addAll(options);
    proc = host.start("virtualip-agent", environment, command.toArray(String[]::new));
  }

  /** SIGTERM: it hands over and releases its addresses. */
  public void stop() {
    proc.stop();
  }

  /** SIGKILL: its leases end. */
  public void kill() {
    proc.kill();
  }

  /** The running program, to signal or to read the log of. */
  public Proc proc() {
    return proc;
  }

  /** The object of a VirtualIP in {@code /status}; a missing node while there is none. */
  public JsonNode status(String virtualIp) {
    try {
      var status = JSON.readTree(host.get("http://127.0.0.1:9405/status"));
      return status.path("virtualIPs").path(virtualIp);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("no JSON from /status of " + host, e);
    }
  }

  /**
   * Waits until {@code /status} has a value. The agent publishes its status after it has bound the
   * addresses, so a change seen in the kernel may not be in it yet.
   *
   * @param field a text of the VirtualIP's status, such as {@code reason}
   * @throws AssertionError when it has not within a minute, in which an agent starts in the VM too
   */
  public void awaitStatus(String virtualIp, String field, String expected) {
    Await.until(
        "%s of %s at %s is %s".formatted(field, virtualIp, host, expected),
        Duration.ofMinutes(1),
        () -> status(virtualIp).path(field).asText(),
        expected::equals);
  }

  /** Text of {@code /metrics}, empty while there is none. */
  public String metrics() {
    return host.get("http://127.0.0.1:9405/metrics");
  }

  @Override
  public void close() {
    proc.close();
  }
}
