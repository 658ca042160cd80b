package dev.virtualip.agent.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.time.Duration;

/** The API server refuses a request; the message has its reason and what it says of it. */
public final class ApiException extends IOException {
  private static final long serialVersionUID = 1;

  private final int code;
  private final Duration retryAfter;

  private ApiException(int code, String message, Duration retryAfter) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /**
   * @param code HTTP status
   * @param body text of the answer, a Status object if the API server wrote it
   * @param retryAfter how long the server asks to wait; zero if it does not
   */
  static ApiException of(int code, String body, Duration retryAfter) {
    JsonNode status;
    try {
      status = ApiServer.JSON.readTree(body);
    } catch (JsonProcessingException _) {
      status = MissingNode.getInstance();
    }
    var message =
        status.path("kind").asText().equals("Status")
            ? status.path("reason").asText() + ": " + status.path("message").asText()
            : body.lines().findFirst().orElse("");
    return new ApiException(code, ("HTTP status " + code + " " + message).strip(), retryAfter);
  }

  /** The HTTP status, such as 403 (Forbidden), 404 (NotFound), 409 (Conflict) or 410 (Gone). */
  public int code() {
    return code;
  }

  Duration retryAfter() {
    return retryAfter;
  }
}
