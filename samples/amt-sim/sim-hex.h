/* Bytes as hexadecimal digits. */
#ifndef SAMPLES_AMT_SIM_SIM_HEX_H
#define SAMPLES_AMT_SIM_SIM_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OUT receives 2 * SIZE digits and a NUL. */
void sim_hex_show(const uint8_t *data, size_t size, bool upper, char *out);

/* TEXT has to begin with 2 * SIZE digits of either case; what follows is not looked at. */
bool sim_hex_parse(const char *text, uint8_t *out, size_t size);

#endif
