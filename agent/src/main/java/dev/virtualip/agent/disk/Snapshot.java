package dev.virtualip.agent.disk;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last good {@link Desired} on disk, so that an agent can start while the API server is away.
 * It contains the values of Secrets, as peers would drop every advert without the password.
 * Therefore only the file's owner may read it. It has no pools, as its versions were allowed.
 */
public final class Snapshot {
  private static final Logger LOG = LoggerFactory.getLogger(Snapshot.class);
  private static final String FORMAT = "virtualip-agent-snapshot/1";
  private static final JsonMapper MAPPER =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private final Path file;
  private final String nodeName;
  private Desired written;

  private Snapshot(Path file, String nodeName) {
    this.file = file;
    this.nodeName = nodeName;
  }

  /** The snapshot of a node in a directory, which is created when needed. */
  public static Snapshot in(Path stateDirectory, String nodeName) {
    return new Snapshot(stateDirectory.resolve("snapshot.json"), nodeName);
  }

  /** The form on disk. */
  private record Content(
      String format,
      List<VirtualIp> virtualIps,
      NodeFacts self,
      List<NodeFacts> nodes,
      List<Pods> pods,
      List<Secret> secrets,
      Set<String> tellable) {
    /** Earlier versions of the agent did not write nodes, pods, and what may be told. */
    Content {
      nodes = nodes == null ? List.of() : nodes;
      pods = pods == null ? List.of() : pods;
      tellable = tellable == null ? Set.of() : tellable;
    }
  }

  private record Secret(SecretKey ref, byte[] value) {}

  private record Pods(PodSelector of, List<PodFacts> pods) {}

  /** The last snapshot. Empty, with a line in the log, if there is none that can be used. */
  public synchronized Optional<Desired> read() {
    try {
      var tree = MAPPER.readTree(file.toFile());
      if (!tree.path("format").asText().equals(FORMAT)) {
        throw new IOException("it is no " + FORMAT);
      }
      var content = MAPPER.treeToValue(tree, Content.class);
      if (content.virtualIps() == null || content.self() == null || content.secrets() == null) {
        throw new IOException("it is not complete");
      }
      if (!content.self().name().equals(nodeName)) {
        throw new IOException("it is about node " + content.self().name());
      }
      written = desired(content);
      return Optional.of(written);
    } catch (NoSuchFileException | FileNotFoundException e) {
      LOG.info("snapshot_missing file={}: waiting for the API server", file);
    } catch (IOException | RuntimeException e) {
      LOG.warn("snapshot_ignored file={} error=\"{}\"", file, oneLine(e));
    }
    return Optional.empty();
  }

  private static Desired desired(Content content) {
    var secrets = new HashMap<SecretKey, byte[]>();
    content.secrets().forEach(secret -> secrets.put(secret.ref(), secret.value()));
    var pods = content.pods().stream().collect(Collectors.toMap(Pods::of, Pods::pods));
    return new Desired(
        content.virtualIps(),
        content.self(),
        content.nodes(),
        pods,
        secrets,
        Map.of(),
        List.of(),
        content.tellable());
  }

  /**
   * Writes the snapshot if it has changed. A failure is logged, and the next change tries again. It
   * waits for the disk, so the event loop must not call it.
   */
  public synchronized void write(Desired desired) {
    if (desired.equals(written)) {
      return;
    }
    var secrets = new ArrayList<Secret>();
    desired.secrets().forEach((key, value) -> secrets.add(new Secret(key, value)));
    var pods = new ArrayList<Pods>();
    desired.pods().forEach((selector, selected) -> pods.add(new Pods(selector, selected)));
    try {
      var content =
          new Content(
              FORMAT,
              desired.virtualIps(),
              desired.self(),
              desired.nodes(),
              pods,
              secrets,
              desired.tellable());
      OwnersFile.replace(file, MAPPER.writeValueAsBytes(content));
      written = desired;
    } catch (IOException e) {
      LOG.warn(
          "snapshot_not_written file={} error=\"{}\": a restart without API server serves the older"
              + " one",
          file,
          oneLine(e));
    }
  }

  private static String oneLine(Exception e) {
    return e.toString().lines().findFirst().orElse("");
  }
}
