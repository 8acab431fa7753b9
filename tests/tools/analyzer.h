/*
 * Read before every file by the static analyzer, which looks at one file at a time: it cannot see
 * that these never return 0, and would follow paths on which a function failed and went on.
 */
#include "common/error.h"

#define error_stays(call) \
	({ int error_ = (call); if (error_ >= 0) __builtin_unreachable(); error_; })

#define fault_set(...)		error_stays(fault_set(__VA_ARGS__))
#define fault_sys(...)		error_stays(fault_sys(__VA_ARGS__))
#define fault_hint(...)		error_stays(fault_hint(__VA_ARGS__))
#define fault_context(...)	error_stays(fault_context(__VA_ARGS__))
#define fault_nomem(...)	error_stays(fault_nomem(__VA_ARGS__))

/*
 * It does not follow a queue through removals, and takes what comes first for the element that was
 * removed and freed. For it, the first element may be anything.
 */
#include <sys/queue.h>
void *any_element(void);
#undef TAILQ_FIRST
#define TAILQ_FIRST(head)	((__typeof__((head)->tqh_first))any_element())
#undef TAILQ_EMPTY
#define TAILQ_EMPTY(head)	(!any_element())
