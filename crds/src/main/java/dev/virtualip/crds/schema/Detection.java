package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;

/**
 * What finds a failure besides the adverts.
 *
 * @param bfd null: none
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Detection(
    @JsonPropertyDescription(
            "BFD (RFC 5880, 5881) between the nodes: a master that falls silent is followed after"
                + " interval times multiplier, instead of three advert intervals. All nodes use it, or"
                + " it means nothing. UDP port 3784 has to be open between them. Not with lease.policy"
                + " Exclusive, where the lost master's leases have to end first; there only peers"
                + " count. Default: none.")
        Bfd bfd) {}
