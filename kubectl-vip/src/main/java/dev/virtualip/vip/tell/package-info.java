/** Pure functions from objects of the API to the lines that a person reads. */
package dev.virtualip.vip.tell;
