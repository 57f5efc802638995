"""The demonstration: invented people live through the whole product; every figure is checked."""
