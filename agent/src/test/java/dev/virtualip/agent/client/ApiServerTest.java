package dev.virtualip.agent.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.agent.Await;
import dev.virtualip.agent.ServerKeys;
import dev.virtualip.agent.client.Access.Content;
import dev.virtualip.agent.client.FakeApi.Reply;
import dev.virtualip.agent.client.FakeApi.Request;
import dev.virtualip.kube.ApiCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApiServerTest {
  private static final Duration PINGS = Duration.ofSeconds(5);

  @TempDir private Path folder;

  private static FakeApi server(Function<Request, Reply> answer) throws IOException {
    return new FakeApi(ServerSocketFactory.getDefault(), answer, _ -> {});
  }

  private static ApiServer client(FakeApi server, Content token) {
    return MockApi.at("http://" + server.address(), Content.NONE, token, false, PINGS);
  }

  private static Reply onlyFor(String token, Request request) {
    return ("Bearer " + token).equals(request.headers().get("authorization"))
        ? Reply.ok("{\"a\": 1}")
        : Reply.refusal(401, "Unauthorized");
  }

  @Test
  void aTokenThatIsRefusedIsReadAgainAtOnce() throws IOException, InterruptedException {
    var file = Files.writeString(folder.resolve("token"), "old\n");
    var good = new CopyOnWriteArrayList<String>();
    good.add("old");
    try (var server = server(request -> onlyFor(good.getLast(), request));
        var client = client(server, Content.of(file))) {
      assertEquals(1, client.get("api/v1/x").path("a").asInt());
      Files.writeString(file, "new");
      good.add("new");
      assertEquals(200, client.send("PATCH", "api/v1/x", ApiCall.MERGE_PATCH, "{}").code());
      assertEquals(3, server.requests.size(), "one was refused");
      good.add("newer");
      assertEquals(401, client.send("PATCH", "api/v1/x", ApiCall.MERGE_PATCH, "{}").code());
      assertEquals(4, server.requests.size(), "the same token is not tried twice");
      Files.delete(file);
      assertEquals(401, client.send("PATCH", "api/v1/x", ApiCall.MERGE_PATCH, "{}").code());
    }
  }

  @Test
  void aWatchTakesTheNewTokenToo() throws IOException {
    var file = Files.writeString(folder.resolve("token"), "old");
    var watched = new AtomicInteger();
    var good = new CopyOnWriteArrayList<String>();
    good.add("old");
    Function<Request, Reply> answer =
        request -> {
          var reply = onlyFor(good.getLast(), request);
          if (request.isWatch()) {
            return reply.code() == 200 ? new Reply(101, "", "") : reply;
          }
          // From now on another token counts.
          good.add("new");
          write(file, "new");
          return Reply.ok("{\"metadata\": {\"resourceVersion\": \"1\"}, \"items\": null}");
        };
    var things = new Resource<ObjectNode>("things", "api/v1/x", "", Fields.ALL, o -> o);
    try (var server =
            new FakeApi(ServerSocketFactory.getDefault(), answer, _ -> watched.incrementAndGet());
        var client = client(server, Content.of(file));
        var informer = new Informer<>(client, things, (_, _) -> {})) {
      informer.start();
      Await.until(() -> watched.get() == 1, () -> server.requests);
      assertEquals(3, server.requests.size(), "a list, and a watch that was refused once");
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** As kubelet replaces ca.crt when the cluster's authority is rotated. */
  @Test
  void anAuthorityThatIsNewIsReadWhenTheServerShowsIt()
      throws IOException, InterruptedException, GeneralSecurityException {
    var old = ServerKeys.make(Files.createDirectory(folder.resolve("old")), "ip:127.0.0.1");
    var next = ServerKeys.make(Files.createDirectory(folder.resolve("next")), "ip:127.0.0.1");
    var file = Files.writeString(folder.resolve("ca.crt"), old.pem());
    try (var server =
            new FakeApi(
                next.context().getServerSocketFactory(), _ -> Reply.ok("{\"a\": 1}"), _ -> {});
        var client =
            MockApi.at(
                "https://" + server.address(), Content.of(file), Content.NONE, false, PINGS)) {
      assertThrows(SSLException.class, () -> client.get("api/v1/x"));
      Files.writeString(file, old.pem() + next.pem());
      assertEquals(1, client.get("api/v1/x").path("a").asInt());
    }
  }

  @Test
  void insecureIsAnyCertificateWithoutAName()
      throws IOException, InterruptedException, GeneralSecurityException {
    var keys = ServerKeys.make(folder, "dns:other.example");
    try (var server =
            new FakeApi(keys.context().getServerSocketFactory(), _ -> Reply.ok("{}"), _ -> {});
        var client =
            MockApi.at("https://" + server.address(), Content.NONE, Content.NONE, true, PINGS)) {
      assertTrue(client.get("api/v1/x").isEmpty());
    }
  }

  @Test
  void aServerThatIsBusyIsAskedAgainWhenItSays() throws IOException, InterruptedException {
    var answers = new AtomicInteger();
    try (var server =
            server(
                _ ->
                    answers.incrementAndGet() == 1
                        ? new Reply(429, "Retry-After: 1\r\n", "")
                        : new Reply(503, "Retry-After: 3600\r\n", ""));
        var client = client(server, Content.NONE)) {
      long from = System.nanoTime();
      assertEquals(503, client.send("POST", "api/v1/x", ApiCall.JSON, "{}").code());
      assertTrue(System.nanoTime() - from >= 1_000_000_000, "an hour is the caller's to wait");
      assertEquals(2, answers.get());
    }
  }

  @Test
  void aRefusalSaysWhatItIs() throws IOException, InterruptedException {
    try (var server = server(_ -> Reply.refusal(403, "Forbidden"));
        var client = client(server, Content.NONE)) {
      var refused = assertThrows(ApiException.class, () -> client.get("api/v1/x"));
      assertEquals(403, refused.code());
      assertEquals("HTTP status 403 Forbidden: so it is", refused.getMessage());
      assertEquals(403, client.send("POST", "api/v1/x", ApiCall.JSON, "{}").code());
    }
  }

  /**
   * kube-apiserver 1.20 said so of custom resources in the first milliseconds after a restart. The
   * status of a VirtualIP was taken for written, and stayed that of before.
   */
  @Test
  void aServerThatDoesNotServeAPathYetHasNotLostTheObject()
      throws IOException, InterruptedException {
    var reply = new AtomicReference<>(new Reply(404, "", "404 page not found\n"));
    try (var server = server(_ -> reply.get());
        var client = client(server, Content.NONE)) {
      var error =
          assertThrows(IOException.class, () -> client.send("PATCH", "apis/x", ApiCall.JSON, "{}"));
      assertEquals("the API server does not serve apis/x, or not yet", error.getMessage());
      reply.set(Reply.refusal(404, "NotFound"));
      assertEquals(404, client.send("PATCH", "apis/x", ApiCall.JSON, "{}").code());
    }
  }

  @Test
  void aServerThatDoesNotAnswerIsNotWaitedForForEver() throws IOException {
    try (var server = server(_ -> null);
        var client = client(server, Content.NONE)) {
      var error = assertThrows(IOException.class, () -> client.get("api/v1/x"));
      assertEquals("the API server does not answer in time", error.getMessage());
    }
  }
}
