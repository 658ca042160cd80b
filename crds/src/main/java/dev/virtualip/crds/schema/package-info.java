/** The VirtualIP resource as users write it: the CRD is generated from these types. */
package dev.virtualip.crds.schema;
