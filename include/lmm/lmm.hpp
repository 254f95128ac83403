#pragma once

#include <lmm/error.hpp>
#include <lmm/listener.hpp>
#include <lmm/message.hpp>
#include <lmm/model.hpp>
#include <lmm/options.hpp>
#include <lmm/reply.hpp>
#include <lmm/session.hpp>
#include <lmm/tokenizer.hpp>
#include <lmm/version.hpp>
