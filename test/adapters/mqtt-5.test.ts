import { mqttConformance } from './mqtt-conformance.ts'

await mqttConformance(5)
