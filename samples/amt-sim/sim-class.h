/* The classes of WS-Management that a device has: their values and their methods. */
#ifndef SAMPLES_AMT_SIM_SIM_CLASS_H
#define SAMPLES_AMT_SIM_SIM_CLASS_H

#include <stdbool.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-xml.h"

/* Namespaces of the classes: a resource is one of these and the name of a class. */
#define CLASS_AMT	"http://intel.com/wbem/wscim/1/amt-schema/1/"
#define CLASS_CIM	"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"

struct class_method {
	const char *name;
	/*
	 * Carry it out: INPUT is the element METHOD_INPUT; values to return (but ReturnValue) go
	 * to A. Returns enum amt_status.
	 */
	unsigned (*run)(struct device *d, const struct habits *habits, const xmlNode *input,
			struct xml_answer *a);
};

struct class {
	const char *schema;		/* URI up to the class's name */
	const char *name;
	const char *const *instances;	/* InstanceID of each, ended by NULL; NULL: there is one */
	/* Write the instance as an element; the prefix "g" stands for the class's namespace. */
	void (*write)(const struct device *d, const struct habits *habits, const char *instance,
		      struct xml_answer *a);
	/* Take over an instance; enum amt_status. NULL: read only. */
	unsigned (*put)(struct device *d, const xmlNode *instance);
	const struct class_method *methods;	/* ended by a NULL name; NULL for none */
};

/* By resource URI, or NULL. */
const struct class *class_find(const char *uri);
/* Is there such an instance? INSTANCE, NULL when not said, counts only where there are several. */
bool class_has(const struct class *c, const char *instance);
/* The I-th class, from 0; NULL: there are no more. */
const struct class *class_at(size_t i);
/* By name, or NULL. */
const struct class_method *class_method(const struct class *c, const char *name);

#endif
