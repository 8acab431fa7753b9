/* Private to drive.c and its tests: texts of a device as sysfs gives them. */
#ifndef UKPU_DRIVE_DRIVE_PRIVATE_H
#define UKPU_DRIVE_DRIVE_PRIVATE_H

#include <stddef.h>

/*
 * The N bytes of an attribute, RAW, as text: up to the first line break or zero, '?' for all but
 * printable ASCII, without outer blanks. OUT receives SIZE bytes at most.
 */
void drive_attribute(const char *raw, size_t n, char *out, size_t size);

/*
 * The serial number in the N bytes of SCSI's page 80, PAGE: 4 bytes of header, then printable ASCII
 * without blanks. OUT receives SIZE bytes at most.
 */
void drive_page_80(const char *page, size_t n, char *out, size_t size);

#endif
