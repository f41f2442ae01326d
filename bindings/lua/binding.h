/* binding.h: all that files of the module share, for those of models and nets. Not installed. */
#ifndef LATL_LUA_BINDING_H
#define LATL_LUA_BINDING_H

#include "lua/class.h"
#include "lua/errors.h"
#include "lua/matrix.h"
#include "lua/modules.h"
#include "lua/options.h"
#include "lua/random.h"
#include "lua/state.h"

#endif
