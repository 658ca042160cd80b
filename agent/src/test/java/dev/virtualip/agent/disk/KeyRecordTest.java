package dev.virtualip.agent.disk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.vrrp.HmacKey;
import dev.virtualip.agent.vrrp.KeyRing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyRecordTest {
  private static final HmacKey OLD = new HmacKey(1, new byte[HmacKey.MIN]);
  private static final HmacKey NEW = new HmacKey(1, new byte[HmacKey.MAX]);

  @TempDir Path directory;

  @Test
  void formerKeysOutliveARestart() throws IOException {
    var rings = Map.of("web", new KeyRing(List.of(NEW), List.of(OLD), OLD));
    KeyRecord.in(directory).write(rings);
    assertEquals(rings, KeyRecord.in(directory).read());
    var permissions = Files.getPosixFilePermissions(directory.resolve("keys.json"));
    assertEquals("rw-------", PosixFilePermissions.toString(permissions));
    KeyRecord.in(directory).write(Map.of("dns", KeyRing.untold(List.of(OLD))));
    assertEquals(Map.of("dns", KeyRing.untold(List.of(OLD))), KeyRecord.in(directory).read());
  }

  @Test
  void whatCannotBeReadIsNoRecord() throws IOException {
    assertEquals(Map.of(), KeyRecord.in(directory).read());
    for (var bad : List.of("", "{}", "{\"rings\":{\"web\":{}}}", "[1]")) {
      Files.writeString(directory.resolve("keys.json"), bad);
      assertEquals(Map.of(), KeyRecord.in(directory).read(), bad);
    }
  }
}
