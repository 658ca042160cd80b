package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.virtualip.agent.Await;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class IdleConnectionsTest {
  private static final InetAddress LOCAL = InetAddress.ofLiteral("127.0.0.1");

  private final IdleConnections connections = new IdleConnections(2);
  private final AtomicInteger ends = new AtomicInteger();

  private static ServerSocket listen() throws IOException {
    var listener = new ServerSocket(0, 50, LOCAL);
    listener.setSoTimeout(10_000);
    return listener;
  }

  private static InetSocketAddress address(ServerSocket listener) {
    return new InetSocketAddress(LOCAL, listener.getLocalPort());
  }

  private void awaitEnds(int expected) {
    Await.until(() -> ends.get() == expected, ends::get);
  }

  @Test
  void aCloseIsSeen() throws IOException {
    try (var listener = listen()) {
      connections.hold(address(listener), ends::incrementAndGet);
      try (var _ = listener.accept()) {
        assertEquals(0, ends.get());
      }
      awaitEnds(1);
    }
  }

  @Test
  void aResetIsSeen() throws IOException {
    try (var listener = listen()) {
      connections.hold(address(listener), ends::incrementAndGet);
      try (var accepted = listener.accept()) {
        accepted.setSoLinger(true, 0);
      }
      awaitEnds(1);
    }
  }

  /** As when a process that has not accepted it is killed. */
  @Test
  void theEndOfAListenerIsSeen() throws IOException {
    try (var listener = listen()) {
      connections.hold(address(listener), ends::incrementAndGet);
    }
    awaitEnds(1);
  }

  @Test
  void aRefusalIsAnEnd() throws IOException {
    InetSocketAddress nobody;
    try (var listener = listen()) {
      nobody = address(listener);
    }
    connections.hold(nobody, ends::incrementAndGet);
    awaitEnds(1);
  }

  @Test
  void allWhoWatchAServerShareAConnection() throws IOException {
    try (var listener = listen()) {
      connections.hold(address(listener), ends::incrementAndGet);
      var accepted = listener.accept();
      var letGo = connections.hold(address(listener), ends::incrementAndGet);
      connections.hold(address(listener), ends::incrementAndGet);
      letGo.run();
      accepted.close();
      awaitEnds(2);
      connections.hold(address(listener), ends::incrementAndGet);
      listener.accept().close();
      awaitEnds(3);
    }
  }

  @Test
  void whatIsLetGoIsResetAndNotTold() throws IOException {
    try (var listener = listen()) {
      var letGo = connections.hold(address(listener), ends::incrementAndGet);
      try (var accepted = listener.accept()) {
        accepted.setSoTimeout(10_000);
        letGo.run();
        letGo.run();
        assertThrows(IOException.class, () -> accepted.getInputStream().read());
      }
      // The end of a later one is told after whatever the thread has to tell of the first.
      connections.hold(address(listener), ends::incrementAndGet);
      listener.accept().close();
      awaitEnds(1);
    }
  }

  @Test
  void whatTheServerSaysIsDroppedUntilItIsTooMuch() throws IOException {
    try (var listener = listen()) {
      connections.hold(address(listener), ends::incrementAndGet);
      try (var accepted = listener.accept()) {
        accepted.getOutputStream().write(new byte[60_000]);
        // It is still open: another watcher joins it.
        connections.hold(address(listener), () -> {});
        assertThrows(IOException.class, () -> talk(accepted));
      }
      awaitEnds(1);
    }
  }

  private static void talk(Socket socket) throws IOException {
    while (true) {
      socket.getOutputStream().write(new byte[1_000]);
    }
  }

  @Test
  void thereAreNoMoreThanSoMany() throws IOException {
    try (var first = listen();
        var second = listen();
        var third = listen()) {
      connections.hold(address(first), ends::incrementAndGet);
      var letGo = connections.hold(address(second), ends::incrementAndGet);
      assertThrows(IOException.class, () -> connections.hold(address(third), () -> {}));
      letGo.run();
      connections.hold(address(third), ends::incrementAndGet);
      third.accept().close();
      awaitEnds(1);
    }
  }

  @Test
  void aThousandServersAreWatchedByOneThread() throws IOException {
    int servers = 1_000;
    var many = new IdleConnections(servers);
    var accepted = new ArrayList<Socket>();
    try (var listener = new ServerSocket(0, servers)) {
      listener.setSoTimeout(10_000);
      for (int i = 0; i < servers; i++) {
        var server = InetAddress.ofLiteral("127.1.%d.%d".formatted(i / 250, i % 250 + 1));
        many.hold(new InetSocketAddress(server, listener.getLocalPort()), ends::incrementAndGet);
        accepted.add(listener.accept());
      }
      assertEquals(0, ends.get());
      for (var socket : accepted) {
        socket.close();
      }
      awaitEnds(servers);
    } finally {
      for (var socket : accepted) {
        socket.close();
      }
    }
  }

  @Test
  void aDefectOfOneWatcherConcernsNoOther() throws IOException {
    try (var listener = listen()) {
      connections.hold(
          address(listener),
          () -> {
            throw new AssertionError("on purpose");
          });
      connections.hold(address(listener), ends::incrementAndGet);
      listener.accept().close();
      awaitEnds(1);
    }
  }
}
