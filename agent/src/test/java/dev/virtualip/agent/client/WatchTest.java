package dev.virtualip.agent.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Proxy;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WatchTest {
  private final List<String> asked = new ArrayList<>();
  private final Watch watch = new Watch(Duration.ofSeconds(5));

  private WebSocket socket() {
    return (WebSocket)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {WebSocket.class},
            (_, method, _) -> {
              asked.add(method.getName());
              return null;
            });
  }

  @Test
  void oneThatIsOpenedWaitsForAnEvent() {
    watch.onOpen(socket());
    assertEquals(List.of("request"), asked);
  }

  @Test
  void oneThatNobodyWaitedForIsNotLeftOpen() {
    watch.close();
    watch.onOpen(socket());
    assertEquals(List.of("abort"), asked);
  }
}
