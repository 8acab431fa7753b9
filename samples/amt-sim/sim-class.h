/* The classes of WS-Management that a device has: their values and their methods. */
#ifndef SAMPLES_AMT_SIM_SIM_CLASS_H
#define SAMPLES_AMT_SIM_SIM_CLASS_H

#include <stdbool.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-xml.h"

/* Namespaces of the classes: a resource is one of these and the name of a class. */
#define SIM_CLASS_AMT "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define SIM_CLASS_CIM "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"

struct sim_class_method {
	const char *name;
	/*
	 * Carry it out: INPUT is the element METHOD_INPUT; values to return (but ReturnValue) go
	 * to A. Returns enum sim_status.
	 */
	unsigned (*run)(struct sim_device *d, const struct sim_habits *habits, const xmlNode *input,
			struct sim_xml_answer *a);
};

struct sim_class {
	const char *schema;		/* URI up to the class's name; NULL: SIM_CLASS_AMT */
	const char *name;
	const char *const *instances;	/* InstanceID of each, ended by NULL; NULL: there is one */
	bool (*has)(const struct sim_device *d); /* are there any? NULL: always */
	/* Write the instance as an element; the prefix "g" stands for the class's namespace. */
	void (*write)(const struct sim_device *d, const struct sim_habits *habits,
		      const char *instance, struct sim_xml_answer *a);
	/* Take over an instance; enum sim_status. NULL: read only. */
	unsigned (*put)(struct sim_device *d, const xmlNode *instance);
	/* Make an instance (WS-Transfer Create); enum sim_status. NULL: impossible. */
	unsigned (*create)(struct sim_device *d, const xmlNode *instance);
	const struct sim_class_method *methods; /* ended by a NULL name; NULL for none */
};

/* By resource URI, or NULL. */
const struct sim_class *sim_class_find(const char *uri);
/* Has D such an instance? INSTANCE, NULL when not said, counts only where there may be several. */
bool sim_class_has(const struct sim_class *c, const struct sim_device *d, const char *instance);
/* The I-th class, from 0; NULL: there are no more. */
const struct sim_class *sim_class_at(size_t i);
/* By name, or NULL. */
const struct sim_class_method *sim_class_method(const struct sim_class *c, const char *name);

#endif
