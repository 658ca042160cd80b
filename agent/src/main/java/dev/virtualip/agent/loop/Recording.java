package dev.virtualip.agent.loop;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.jsontype.NamedType;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.State;
import dev.virtualip.agent.vrrp.VirtualRouter;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;

/**
 * A line of a recording: the beginning of a virtual router, or one of its steps. It is written as a
 * JSON object on one line, so that a case from the field can be replayed as a test.
 *
 * @param virtualIp name of the VirtualIP
 * @param at time of the step in nanoseconds of the node's monotonic clock; null at the beginning
 * @param router the router at its beginning; null at a step
 * @param event the event of the step; null at the beginning
 * @param effects the effects of the step; null at the beginning
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Recording(
    String virtualIp, Long at, VirtualRouter router, Event event, List<Effect> effects) {

  /** Reads and writes lines of recordings. */
  public static final JsonMapper MAPPER = mapper();

  static Recording started(String virtualIp, VirtualRouter router) {
    return new Recording(virtualIp, null, router, null, null);
  }

  static Recording stepped(String virtualIp, long at, Event event, List<Effect> effects) {
    return new Recording(virtualIp, at, null, event, effects);
  }

  /** Adds the name of a record to its components. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "is")
  private interface Named {}

  private static JsonMapper mapper() {
    var builder = JsonMapper.builder();
    for (var sealed : List.of(Event.class, Effect.class, State.class)) {
      builder.addMixIn(sealed, Named.class);
      for (var kind : sealed.getPermittedSubclasses()) {
        builder.registerSubtypes(new NamedType(kind, kind.getSimpleName()));
      }
    }
    return builder
        .addModule(
            new SimpleModule()
                .addSerializer(new AddressWriter())
                .addDeserializer(InetAddress.class, new AddressReader()))
        .build();
  }

  /**
   * Writes literals without the scope of a link-local address, whose NIC other nodes do not have.
   */
  private static final class AddressWriter extends StdSerializer<InetAddress> {
    private static final long serialVersionUID = 1;

    AddressWriter() {
      super(InetAddress.class);
    }

    @Override
    public void serialize(InetAddress address, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(address.getHostAddress().replaceFirst("%.*", ""));
    }
  }

  private static final class AddressReader extends StdDeserializer<InetAddress> {
    private static final long serialVersionUID = 1;

    AddressReader() {
      super(InetAddress.class);
    }

    @Override
    public InetAddress deserialize(JsonParser json, DeserializationContext context)
        throws IOException {
      return InetAddress.ofLiteral(json.getText());
    }
  }
}
