import { describeStoreContract } from '../contract.ts';
import { createTestStore } from './test-store.ts';

describeStoreContract('sqlite', createTestStore);
