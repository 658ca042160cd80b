package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NotifySocketTest {
  @TempDir private Path folder;

  @Test
  void aPathEndsWithNulAndAnAbstractNameDoesNot() {
    assertArrayEquals(new byte[] {1, 0, '/', 'n', 0}, new NotifySocket("/n").address());
    assertArrayEquals(new byte[] {1, 0, 0, 'n'}, new NotifySocket("@n").address());
  }

  @Test
  void whatIsSentArrivesAtAPath() throws IOException {
    arrivesAt(folder.resolve("notify").toString());
  }

  @Test
  void whatIsSentArrivesAtAnAbstractName() throws IOException {
    arrivesAt("@virtualip/" + ProcessHandle.current().pid() + "/" + System.nanoTime());
  }

  private static void arrivesAt(String name) throws IOException {
    try (var listener = new NotifyListener(name)) {
      new NotifySocket(name).send("READY=1");
      new NotifySocket(name).send("STOPPING=1");
      assertEquals(List.of("READY=1", "STOPPING=1"), listener.heard());
    }
  }

  @Test
  void thatNobodyListensIsSaid() {
    var socket = new NotifySocket(folder.resolve("nobody").toString());
    var e = assertThrows(IOException.class, () -> socket.send("READY=1"));
    assertTrue(e.getMessage().contains("ENOENT"), e::getMessage);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/", "@", "notify", "vsock:2:1234"})
  void otherNamesAreRefused(String name) {
    assertThrows(IllegalArgumentException.class, () -> new NotifySocket(name));
  }

  @Test
  void aNameHasToFit() {
    assertEquals(110, new NotifySocket("/" + "n".repeat(106)).address().length);
    assertThrows(IllegalArgumentException.class, () -> new NotifySocket("/" + "n".repeat(107)));
  }
}
