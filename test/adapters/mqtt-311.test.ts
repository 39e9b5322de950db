import { mqttConformance } from './mqtt-conformance.ts'

await mqttConformance('3.1.1')
