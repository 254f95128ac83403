/* The header alone, and a second time. */
#include <lmm.h>
#include <lmm.h>

int main(void) { return lmm_version_number() == 0; }
