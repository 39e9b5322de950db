#!/usr/bin/env -S node --max-semi-space-size=8
import { setFlagsFromString } from 'node:v8'
import { runCli } from './cli.ts'

// A bridge makes much garbage and keeps little. Left alone, V8 lets the heap grow to several times what lives in it
// before it collects; see docs/decisions/0008-heap.md.
setFlagsFromString('--heap-growing-percent=40')

// The report of a crash has all else that is needed; the environment may hold passwords (`${env:…}`).
if (process.report) process.report.excludeEnv = true

process.exitCode = await runCli(process.argv)
