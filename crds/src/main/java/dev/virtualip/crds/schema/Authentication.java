package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.Objects;

/** How routers prove to each other that their adverts are genuine. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "has(self.passwordSecretRef) || has(self.hmac)",
    message = "needs passwordSecretRef, hmac, or both")
public record Authentication(
    @JsonPropertyDescription(
            "VRRPv2 only: key of a Secret in virtualip's own namespace. The password has 1 to 8"
                + " bytes, goes over the wire in clear text, and is no protection against an"
                + " attacker.")
        SecretKey passwordSecretRef,
    @JsonPropertyDescription(
            "Adverts are signed with a key that the routers share, as by keepalived 2.4.1 and newer"
                + " (keepalived: auth_hmac). The clocks of all routers have to agree within 5 s, or"
                + " within three intervals if that is more.")
        HmacAuthentication hmac) {
  /** A password alone. */
  public Authentication(SecretKey passwordSecretRef) {
    this(passwordSecretRef, null);
  }

  /** HMAC-SHA256 over each advert. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record HmacAuthentication(
      @Required
          @JsonPropertyDescription(
              "Key of a Secret in virtualip's own namespace. Each line of its value has the id of a"
                  + " key, 1 to 255, a space, and 64 to 128 hexadecimal digits; the newest key is"
                  + " the last. The Secret may be replaced as a whole: former keys are accepted until"
                  + " all nodes have read the new ones, which are sent from then on.")
          SecretKey keysSecretRef,
      @Default("Enforce")
          @JsonPropertyDescription(
              "ReceiveOnly: adverts go out unsigned, and a signature that comes with an advert has"
                  + " to be right. Permissive: adverts are signed, and unsigned ones are still"
                  + " believed. Enforce: unsigned adverts are dropped. Where routers run already, go"
                  + " through all three, one at a time.")
          Mode mode) {
    /** Fills in the schema's defaults. */
    public HmacAuthentication {
      mode = Objects.requireNonNullElse(mode, Mode.Enforce);
    }

    /** How adverts are signed and checked. */
    public enum Mode {
      /** Adverts go out unsigned. */
      ReceiveOnly,
      /** Adverts are signed, and unsigned ones are believed. */
      Permissive,
      /** Adverts are signed, and unsigned ones are dropped. */
      Enforce
    }
  }
}
