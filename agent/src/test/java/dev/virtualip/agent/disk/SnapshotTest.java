package dev.virtualip.agent.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.source.PodFacts;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotTest {
  private static final Map<String, HandOver> ASKED = Map.of("n", new HandOver(1, "Upgrade", "t"));

  @TempDir Path temporary;
  private Path state;
  private Path file;

  @BeforeEach
  void names() {
    state = temporary.resolve("state/virtualip");
    file = state.resolve("snapshot.json");
  }

  private static Desired desired(int vrid) {
    var text =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web, uid: u, generation: 3, annotations: {a: b}}
        spec:
          vrid: %d
          interface: eth0
          vrrpVersion: 2
          addresses: [{address: 203.0.113.10/24, interface: eth1}]
          routes: [{to: default, via: 203.0.113.1, table: 4294967295}]
          nodes: {selector: {matchExpressions: [{key: a, operator: Exists}]}}
          authentication: {passwordSecretRef: {name: s, key: k}}
          healthChecks: [{name: a, http: {}, weight: -3}]
          transport: {mode: Unicast}
        """
            .formatted(vrid);
    var vips = Manifests.parse(Path.of("f.yaml"), text).virtualIps();
    vips.getFirst().setStatus(new VirtualIpStatus(null, null, null, null, null, ASKED, null, null));
    var self = new NodeFacts("n", Map.of("edge", "true"), true, List.of("10.0.0.1"));
    var selector = new LabelSelector(Map.of("app", "web"), null);
    var pods = List.of(new PodFacts("web-0", List.of("10.1.0.2", "2001:db8::2"), true, false));
    return Desired.of(
            vips,
            self,
            List.of(self),
            _ -> Optional.of(new byte[] {'p', (byte) 0xff, '\n'}),
            Map.of())
        .with(Map.of(new PodSelector("shop", selector), pods));
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Snapshot.in(state, "n").write(desired(77));
    var read = Snapshot.in(state, "n").read().orElseThrow();
    assertEquals(desired(77), read);
    assertEquals(List.of("10.0.0.1"), read.nodes().getFirst().addresses());
    assertEquals(desired(77).pods(), read.pods());
    assertEquals(ASKED, read.virtualIps().getFirst().getStatus().handOvers());
    assertEquals(2, read.secrets().get(new SecretKey("s", "k")).length);
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  /** As written by an earlier version of the agent. */
  @Test
  void podsMayBeMissing() throws IOException {
    Snapshot.in(state, "n").write(desired(77));
    Files.writeString(file, Files.readString(file).replace("\"pods\":", "\"others\":"));
    assertEquals(desired(77).with(Map.of()), Snapshot.in(state, "n").read().orElseThrow());
  }

  @Test
  void onlyChangesAreWritten() throws IOException {
    var snapshot = Snapshot.in(state, "n");
    snapshot.write(desired(77));
    Files.setLastModifiedTime(file, FileTime.fromMillis(1));
    snapshot.write(desired(77));
    assertEquals(1, Files.getLastModifiedTime(file).toMillis());
    snapshot.write(desired(78));
    assertEquals(Optional.of(desired(78)), Snapshot.in(state, "n").read());
  }

  @Test
  void aMissingFileIsNoError() {
    assertEquals(Optional.empty(), Snapshot.in(state, "n").read());
  }

  @Test
  void aFileOfAnotherNodeIsIgnored() {
    Snapshot.in(state, "n").write(desired(77));
    assertEquals(Optional.empty(), Snapshot.in(state, "m").read());
  }

  @Test
  void aTornFileIsIgnored() throws IOException {
    Snapshot.in(state, "n").write(desired(77));
    var whole = Files.readString(file);
    for (int length : new int[] {0, 1, whole.length() / 2, whole.length() - 1}) {
      Files.writeString(file, whole.substring(0, length));
      assertEquals(Optional.empty(), Snapshot.in(state, "n").read(), () -> length + " characters");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "null",
        "{\"format\": \"other\"}",
        "{\"format\": \"virtualip-agent-snapshot/1\"}",
        "{\"format\": \"virtualip-agent-snapshot/1\", \"virtualIps\": 7}",
        "{\"format\": \"virtualip-agent-snapshot/1\", \"virtualIps\": [null], \"secrets\": [],"
            + " \"self\": {\"name\": \"n\"}}"
      })
  void aForeignFileIsIgnored(String text) throws IOException {
    Files.createDirectories(state);
    Files.writeString(file, text);
    assertEquals(Optional.empty(), Snapshot.in(state, "n").read());
  }

  @Test
  void aDirectoryThatCannotBeMadeIsNotFatal() throws IOException {
    Files.createDirectories(state.getParent());
    Files.writeString(state, "a file");
    Snapshot.in(state, "n").write(desired(77));
  }
}
