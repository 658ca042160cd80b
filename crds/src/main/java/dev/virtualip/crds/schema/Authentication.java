package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;

/** VRRPv2 authentication type 1. */
public record Authentication(
    @Required
        @JsonPropertyDescription(
            "Key of a Secret in virtualip's own namespace. The password has 1 to 8 bytes, goes over"
                + " the wire in clear text, and is no protection against an attacker.")
        SecretKey passwordSecretRef) {}
